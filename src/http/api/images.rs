//! Images of other servers that a mail refers to: fetched by us for an agent who asks to see them, so that the
//! sender learns neither who looks nor from where, and nothing but a picture comes in.

use std::time::Duration;

use poem::http::StatusCode;
use poem_openapi::param::Path;
use poem_openapi::payload::Binary;
use poem_openapi::{ApiResponse, OpenApi};
use tokio::sync::Semaphore;

use super::attachments::kind_of_head;
use super::caller::Caller;
use super::failure::problem;
use super::shown::rendered;
use crate::config::Cidr;
use crate::desk::Error;
use crate::domain::MessageId;
use crate::http::problem::Problem;
use crate::net::{FetchError, Guard, Limits, fetch};

/// What one image may cost.
const LIMITS: Limits = Limits { bytes: 8 << 20, time: Duration::from_secs(10) };
/// Images fetched at the same time, for everybody.
const AT_ONCE: usize = 8;
/// What is asked for: what browsers show as a raster image.
const ACCEPT: &str = "image/png, image/jpeg, image/gif, image/webp";

/// Who fetches, and from where.
pub struct Images {
    turns: Semaphore,
    private_networks: Vec<Cidr>,
}

impl Images {
    /// From the public internet and from `private_networks`.
    pub fn new(private_networks: Vec<Cidr>) -> Images {
        Images { turns: Semaphore::new(AT_ONCE), private_networks }
    }
}

#[derive(ApiResponse)]
enum ImageBytes {
    /// The picture.
    #[oai(status = 200)]
    Bytes(
        Binary<Vec<u8>>,
        #[oai(header = "Content-Type")] String,
        #[oai(header = "Content-Security-Policy")] String,
        #[oai(header = "Cache-Control")] String,
    ),
}

pub(in crate::http) struct ImagesApi;

#[OpenApi]
impl ImagesApi {
    /// A picture of another server that a mail shows, fetched by this one. 502 when it cannot be had.
    #[oai(path = "/messages/:id/images/:number", method = "get", operation_id = "get_remote_image")]
    async fn get(&self, caller: Caller, id: Path<u64>, number: Path<usize>) -> poem::Result<ImageBytes> {
        let address = rendered(caller.state(), caller.who(), move |renderer| {
            let (message, _) = renderer.desk.message(renderer.rows, renderer.who, MessageId(id.0)).map_err(problem)?;
            renderer.remote_address(&message, number.0)
        });
        let address = address.await?.ok_or_else(|| problem(Error::NotFound))?;
        let images = &caller.state().images;
        let _turn = images.turns.acquire().await.map_err(|_| unavailable())?;
        let guard = Guard::Public { also: &images.private_networks };
        let bytes = fetch(&address, ACCEPT, LIMITS, guard).await.map_err(|error| match error {
            FetchError::TooLarge => {
                Problem::new(StatusCode::BAD_GATEWAY, "image_too_large", "The picture is too large.")
            }
            FetchError::Refused | FetchError::Unavailable => unavailable(),
        })?;
        let kind = kind_of_head(&bytes).ok_or_else(unavailable)?;
        Ok(ImageBytes::Bytes(
            Binary(bytes.into()),
            String::from(kind),
            String::from("sandbox; default-src 'none'"),
            String::from("private, no-store"),
        ))
    }
}

/// One answer for whatever is wrong: it must not tell what stands where.
fn unavailable() -> Problem {
    Problem::new(StatusCode::BAD_GATEWAY, "image_unavailable", "The picture cannot be had.")
}
