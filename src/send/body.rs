//! Response bodies are read up to a limit.

use std::time::Duration;

/// Bytes of a body that are read where no page of records is requested, and bytes of each record
/// where one is.
pub(super) const BODY: usize = 1024 * 1024;
pub(super) const RECORD: usize = 64 * 1024;

/// Bytes of a body that are ever read.
pub(super) const LARGEST: usize = 256 * 1024 * 1024;

/// The time that reading an error's body may take: its status is known.
pub(super) const BODY_TIME: Duration = Duration::from_secs(10);

/// A body, or the beginning of one that is larger than `most`, as much of it as comes; and whether
/// there was more.
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
