//! Bodies of requests: JSON, and an error that names the member that is not as it should be.
//!
//! Members that nobody knows are passed over: a script may say more than this version understands.

use std::ops::Deref;

use poem::{FromRequest, Request, RequestBody, Result};
use poem_openapi::error::ContentTypeError;
use poem_openapi::payload::{Json, ParsePayload, Payload};
use poem_openapi::registry::{MetaMediaType, MetaRequest, MetaSchema, MetaSchemaRef, Registry};
use poem_openapi::types::{ParseFromJSON, Type};
use poem_openapi::{ApiExtractor, ApiExtractorType, ExtractParamOptions};
use serde_json::Value;

use crate::base::text;
use crate::http::problem::Problem;

/// A request's JSON body; what is wrong in it is told by name.
pub(super) struct JsonBody<T>(pub T);

impl<T> Deref for JsonBody<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T: Type> Payload for JsonBody<T> {
    const CONTENT_TYPE: &'static str = Json::<T>::CONTENT_TYPE;

    fn check_content_type(content_type: &str) -> bool {
        Json::<T>::check_content_type(content_type)
    }

    fn schema_ref() -> MetaSchemaRef {
        T::schema_ref()
    }

    fn register(registry: &mut Registry) {
        T::register(registry);
    }
}

impl<T: ParseFromJSON> ParsePayload for JsonBody<T> {
    const IS_REQUIRED: bool = T::IS_REQUIRED;

    async fn from_request(request: &Request, body: &mut RequestBody) -> Result<Self> {
        let data = <Vec<u8> as FromRequest>::from_request(request, body).await?;
        match T::parse_from_json(Some(json(&data)?)) {
            Ok(parsed) => Ok(JsonBody(parsed)),
            // Read once more rather than copied each time.
            Err(error) => Err(fault_of::<T>(&json(&data)?).problem(&error.into_message()).into()),
        }
    }
}

impl<'a, T: ParseFromJSON> ApiExtractor<'a> for JsonBody<T> {
    const TYPES: &'static [ApiExtractorType] = &[ApiExtractorType::RequestObject];
    type ParamType = ();
    type ParamRawType = ();

    fn register(registry: &mut Registry) {
        <Self as Payload>::register(registry);
    }

    fn request_meta() -> Option<MetaRequest> {
        let content = vec![MetaMediaType { content_type: Self::CONTENT_TYPE, schema: Self::schema_ref() }];
        Some(MetaRequest { description: None, content, required: Self::IS_REQUIRED })
    }

    async fn from_request(
        request: &'a Request,
        body: &mut RequestBody,
        _: ExtractParamOptions<Self::ParamType>,
    ) -> Result<Self> {
        match request.content_type() {
            Some(kind) if Self::check_content_type(kind) => <Self as ParsePayload>::from_request(request, body).await,
            Some(kind) => Err(ContentTypeError::NotSupported { content_type: kind.to_owned() }.into()),
            None => Err(ContentTypeError::ExpectContentType.into()),
        }
    }
}

fn json(data: &[u8]) -> Result<Value> {
    serde_json::from_slice(data).map_err(|error| {
        Problem::invalid("body", format!("This is no JSON: {error}.")).with("reason", "malformed").into()
    })
}

/// What is wrong with a body, and where.
#[derive(Debug, PartialEq, Eq)]
struct Fault {
    /// Members from the outside in, joined by dots.
    field: String,
    reason: Reason,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reason {
    Missing,
    Malformed,
}

impl Fault {
    fn problem(self, told: &str) -> Problem {
        let Fault { field, reason } = self;
        let (reason, detail) = match reason {
            Reason::Missing => ("required", format!("The field {field} is needed.")),
            Reason::Malformed => ("malformed", text::one_line(told, 500)),
        };
        Problem::invalid(field, detail).with("reason", reason)
    }
}

/// Finds what a type refuses in a value, by the schema that the API document shows of it.
fn fault_of<T: Type>(value: &Value) -> Fault {
    let mut registry = Registry::new();
    T::register(&mut registry);
    let whole = || Fault { field: String::from("body"), reason: Reason::Malformed };
    fault(&registry, &T::schema_ref(), value, "").unwrap_or_else(whole)
}

fn fault(registry: &Registry, schema: &MetaSchemaRef, value: &Value, at: &str) -> Option<Fault> {
    let schema: &MetaSchema = match schema {
        MetaSchemaRef::Inline(schema) => schema,
        MetaSchemaRef::Reference(name) => registry.schemas.get(name)?,
    };
    let wrong = || Fault { field: named(at), reason: Reason::Malformed };
    match (schema.ty, value) {
        ("object", Value::Object(members)) => {
            let inside = |name: &str| if at.is_empty() { name.to_owned() } else { format!("{at}.{name}") };
            let declared = |name: &str| schema.properties.iter().find(|(known, _)| *known == name);
            let missing = schema.required.iter().find(|name| members.get(**name).is_none_or(Value::is_null));
            if let Some(name) = missing {
                return Some(Fault { field: inside(name), reason: Reason::Missing });
            }
            members.iter().filter(|(_, value)| !value.is_null()).find_map(|(name, value)| {
                let (_, schema) = declared(name)?;
                fault(registry, schema, value, &inside(name))
            })
        }
        ("array", Value::Array(items)) => {
            if schema.max_items.is_some_and(|most| items.len() > most) {
                return Some(wrong());
            }
            let each = schema.items.as_deref()?;
            items.iter().enumerate().find_map(|(index, item)| fault(registry, each, item, &format!("{at}.{index}")))
        }
        ("string", Value::String(words)) if fits(schema, value, words) => None,
        // Read as the words for them.
        ("string", Value::Number(_) | Value::Bool(_)) if schema.enum_items.is_empty() => None,
        ("boolean", Value::Bool(_)) | ("number", Value::Number(_)) | ("", _) => None,
        ("integer", Value::Number(number)) if number.is_u64() || number.is_i64() => None,
        _ => Some(wrong()),
    }
}

fn fits(schema: &MetaSchema, value: &Value, words: &str) -> bool {
    let known = schema.enum_items.is_empty() || schema.enum_items.contains(value);
    known
        && schema.max_length.is_none_or(|most| words.len() <= most)
        && schema.min_length.is_none_or(|least| words.len() >= least)
}

fn named(at: &str) -> String {
    if at.is_empty() { String::from("body") } else { at.to_owned() }
}

#[cfg(test)]
mod tests {
    use poem_openapi::{Enum, Object};
    use serde_json::json;

    use super::*;

    #[derive(Enum)]
    #[oai(rename_all = "lowercase")]
    enum Colour {
        Red,
    }

    #[derive(Object)]
    struct Pole {
        length: u32,
    }

    #[derive(Object)]
    struct Tent {
        #[oai(validator(max_length = 9))]
        name: String,
        colour: Option<Colour>,
        poles: Option<Vec<Pole>>,
    }

    #[test]
    fn the_member_that_is_wrong_is_named() {
        let cases = [
            (json!([]), "body", Reason::Malformed),
            (json!({}), "name", Reason::Missing),
            (json!({"name": null}), "name", Reason::Missing),
            (json!({"naem": "a"}), "name", Reason::Missing),
            (json!({"name": {}}), "name", Reason::Malformed),
            (json!({"name": "a long name", "colour": 1}), "name", Reason::Malformed),
            (json!({"name": "a", "colour": "mauve"}), "colour", Reason::Malformed),
            (json!({"name": "a", "poles": [{"length": 1}, {"length": "2"}]}), "poles.1.length", Reason::Malformed),
            (json!({"name": "a", "poles": [{"length": 1}, {"width": 2}]}), "poles.1.length", Reason::Missing),
        ];
        for (value, field, reason) in cases {
            assert!(Tent::parse_from_json(Some(value.clone())).is_err(), "{value}");
            assert_eq!(fault_of::<Tent>(&value), Fault { field: field.into(), reason }, "{value}");
        }
        let fine = json!({"name": "a", "colour": "red", "poles": [{"length": 3, "of": "wood"}]});
        assert!(Tent::parse_from_json(Some(fine)).is_ok());
    }
}
