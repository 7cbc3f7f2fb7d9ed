//! How many files and sockets the process may have open, and how many connections that allows.

use nix::sys::resource::{Resource, getrlimit, setrlimit};

use crate::config::Config;

/// Kept for the store, the index, the relay, fetched pictures and the control socket.
const KEPT: u64 = 256;
/// What a connection may need: its socket, and a file while something large comes in.
const EACH: u64 = 2;

/// Raises what is allowed at first to what is allowed at most.
pub(super) fn raise() {
    if let Ok((soft, hard)) = getrlimit(Resource::RLIMIT_NOFILE)
        && soft < hard
        && let Err(error) = setrlimit(Resource::RLIMIT_NOFILE, hard, hard)
    {
        tracing::warn!(%error, soft, hard, "the number of open files cannot be raised");
    }
}

/// Takes the allowed connections down to what the process may have open.
pub(super) fn fit(config: &mut Config) {
    let Ok((allowed, _)) = getrlimit(Resource::RLIMIT_NOFILE) else { return };
    let wanted = (config.smtp.max_connections, config.http.max_connections);
    let (mail, web) = share(allowed, wanted);
    if (mail, web) != wanted {
        tracing::warn!(
            allowed,
            mail,
            web,
            "too few open files are allowed for all connections of the configuration (ulimit -n, LimitNOFILE=)"
        );
        (config.smtp.max_connections, config.http.max_connections) = (mail, web);
    }
}

/// How many connections for mail and for the web `allowed` open files can bear, in the proportion wanted.
fn share(allowed: u64, (mail, web): (usize, usize)) -> (usize, usize) {
    let room = usize::try_from(allowed.saturating_sub(KEPT) / EACH).unwrap_or(usize::MAX);
    let wanted = mail.saturating_add(web);
    if wanted <= room {
        return (mail, web);
    }
    let part = |one: usize| one.saturating_mul(room).checked_div(wanted).unwrap_or(0).max(1);
    (part(mail), part(web))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connections_fit_into_what_may_be_open() {
        for (allowed, wanted, got) in [
            (1 << 20, (1000, 4096), (1000, 4096)),
            (u64::MAX, (1_000_000, 1_000_000), (1_000_000, 1_000_000)),
            (1024, (1000, 4096), (75, 308)),
            (4096, (1000, 1000), (960, 960)),
            (64, (1000, 4096), (1, 1)),
        ] {
            assert_eq!(share(allowed, wanted), got, "{allowed}");
        }
    }
}
