//! How much longer than usual tests search for what is wrong.

/// How many times longer: 1 unless `FRONTDESK_SOAK` says more.
pub(crate) fn times() -> u32 {
    std::env::var("FRONTDESK_SOAK").ok().and_then(|times| times.parse().ok()).unwrap_or(1)
}

/// A property's cases: `usually` so many.
pub(crate) fn cases(usually: u32) -> proptest::test_runner::Config {
    proptest::test_runner::Config::with_cases(usually.saturating_mul(times()))
}
