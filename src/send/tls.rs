//! The TLS settings of all HTTP clients.

/// Returns the base of every HTTP client, with TLS by rustls and ring.
pub fn client_builder() -> reqwest::ClientBuilder {
    // A second call fails because the provider is already installed.
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder()
}
