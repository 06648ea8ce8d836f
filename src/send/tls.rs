//! TLS settings are shared by all HTTP clients.

/// The beginning of every HTTP client here: one whose TLS is done by rustls with ring.
pub fn client_builder() -> reqwest::ClientBuilder {
    // The second call finds it installed, which is as good.
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder()
}
