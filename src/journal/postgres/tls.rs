//! TLS for the database connection, with verified certificates.

use std::sync::Arc;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use tokio_postgres_rustls::MakeRustlsConnect;

use crate::journal::error::StoreError;

/// Returns the TLS connector. The certificate must be issued by a public authority, or by one in the file
/// that `PGSSLROOTCERT` names, as with libpq (postgresql.org/docs/current/libpq-envars.html).
pub(super) fn connector() -> Result<MakeRustlsConnect, StoreError> {
    let words = |why: String| StoreError::words(why);
    let mut roots = rustls::RootCertStore::empty();
    roots.add_parsable_certificates(webpki_root_certs::TLS_SERVER_ROOT_CERTS.iter().cloned());
    let own = std::env::var_os("PGSSLROOTCERT").filter(|path| !path.is_empty() && path != "system");
    if let Some(path) = own {
        let shown = std::path::Path::new(&path).display().to_string();
        let explain = |why: String| words(format!("PGSSLROOTCERT {shown}: {why}"));
        // The file determines which server receives the rosters.
        let text = crate::safe_fs::read_text(std::path::Path::new(&path))
            .map_err(|error| explain(error.to_string()))?;
        let certificates = CertificateDer::pem_slice_iter(text.as_bytes())
            .collect::<Result<Vec<_>, _>>()
            .map_err(|error| explain(error.to_string()))?;
        roots.add_parsable_certificates(certificates);
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| words(error.to_string()))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(MakeRustlsConnect::new(config))
}
