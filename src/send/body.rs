//! Bounded reading of response bodies.

use std::time::Duration;

/// The maximum size of a body in bytes, or per record of a requested page.
pub(super) const BODY: usize = 1024 * 1024;
pub(super) const RECORD: usize = 64 * 1024;

/// The maximum size of any body.
pub(super) const LARGEST: usize = 256 * 1024 * 1024;

/// The maximum time for reading the body of an error, whose status is known.
pub(super) const BODY_TIME: Duration = Duration::from_secs(10);

/// Reads a body, or the part that arrives of one that is larger than `most`. Also returns whether the body is
/// larger.
pub(super) async fn body_of(
    mut response: reqwest::Response,
    most: usize,
    patience: Duration,
) -> (Vec<u8>, bool) {
    let mut body = Vec::new();
    let mut more = false;
    let read = async {
        while let Ok(Some(chunk)) = response.chunk().await {
            if body.len() + chunk.len() > most {
                more = true;
                break;
            }
            body.extend_from_slice(&chunk);
        }
    };
    // Only the part received until then is examined.
    let _ = tokio::time::timeout(patience, read).await;
    (body, more)
}
