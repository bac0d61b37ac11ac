//! Named places where a test can end the process, to prove that nothing is lost there. Nothing at all without the
//! feature `failpoints`.

/// Aborts when `MIDWATCH_CRASH_AT` is `name`, or `name:n` at the n-th time.
#[cfg(feature = "failpoints")]
pub fn crash_at(name: &str) {
    use std::sync::LazyLock;
    use std::sync::atomic::{AtomicU64, Ordering};

    static WANTED: LazyLock<Option<(String, u64)>> = LazyLock::new(|| {
        let wanted = std::env::var("MIDWATCH_CRASH_AT").ok()?;
        let (name, count) = wanted.split_once(':').unwrap_or((&wanted, "1"));
        Some((name.to_owned(), count.parse().unwrap_or(1)))
    });
    static SEEN: AtomicU64 = AtomicU64::new(0);
    let Some((wanted, count)) = WANTED.as_ref() else { return };
    if wanted == name && SEEN.fetch_add(1, Ordering::Relaxed) + 1 == *count {
        std::process::abort();
    }
}

#[cfg(not(feature = "failpoints"))]
pub fn crash_at(_name: &str) {}
