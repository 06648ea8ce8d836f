//! Connection errors, classified by cause.

use std::error::Error;
use std::io;

use rustls::CertificateError;

use crate::l10n::Message;
use crate::model::Code;

/// The reason why no connection was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trouble {
    /// The connection was refused.
    Refused,
    /// The name of the host has no address.
    NoHost,
    /// The server's certificate is not trusted.
    Certificate,
    /// The issuer of the server's certificate is unknown.
    Issuer,
    /// The proxy does not connect to the server.
    Proxy,
    /// There was no response in time.
    TimeOut,
    /// The TLS handshake failed.
    Tls,
    /// Another reason.
    Other,
}

impl Trouble {
    /// Returns the reason for a request that was not sent, from its chain of causes.
    pub fn of(error: &reqwest::Error) -> Trouble {
        let mut next: Option<&(dyn Error + 'static)> = Some(error);
        while let Some(cause) = next {
            if let Some(trouble) = told_by(cause) {
                return trouble;
            }
            // An I/O error hides its inner error from the chain of causes.
            let inner = cause
                .downcast_ref::<io::Error>()
                .and_then(io::Error::get_ref);
            next = match inner {
                Some(inner) => Some(inner),
                None => cause.source(),
            };
        }
        if error.is_timeout() {
            Trouble::TimeOut
        } else {
            Trouble::Other
        }
    }

    /// Returns the cause of a failed TCP connection.
    pub(super) fn of_io(error: &io::Error) -> Trouble {
        told_by(error).unwrap_or(Trouble::Other)
    }

    /// Returns the message for the user.
    pub fn message(self) -> Message {
        self.code().message()
    }

    /// Returns the message in the reader's language.
    pub fn in_words(self) -> String {
        self.message().to_string()
    }

    /// Returns the error code.
    pub fn code(self) -> Code {
        match self {
            Trouble::Refused => Code::NetworkRefused,
            Trouble::NoHost => Code::NetworkNoHost,
            Trouble::Certificate => Code::NetworkCertificate,
            Trouble::Issuer => Code::NetworkIssuer,
            Trouble::Proxy => Code::NetworkProxy,
            Trouble::TimeOut => Code::NetworkTimeOut,
            Trouble::Tls => Code::NetworkTls,
            Trouble::Other => Code::NetworkConnect,
        }
    }
}

/// Returns the reason for one of the causes, if it has one.
fn told_by(cause: &(dyn Error + 'static)) -> Option<Trouble> {
    if let Some(tls) = cause.downcast_ref::<rustls::Error>() {
        return Some(match tls {
            rustls::Error::InvalidCertificate(CertificateError::UnknownIssuer) => Trouble::Issuer,
            rustls::Error::InvalidCertificate(_) | rustls::Error::NoCertificatesPresented => {
                Trouble::Certificate
            }
            _ => Trouble::Tls,
        });
    }
    if let Some(io) = cause.downcast_ref::<io::Error>() {
        match io.kind() {
            io::ErrorKind::ConnectionRefused => return Some(Trouble::Refused),
            io::ErrorKind::TimedOut => return Some(Trouble::TimeOut),
            _ => {}
        }
    }
    // The errors of the resolver and the proxy have no public type.
    let told = cause.to_string();
    if told.starts_with("dns error") {
        return Some(Trouble::NoHost);
    }
    // An unreachable proxy has a cause with more information.
    let is_of_proxy = told.starts_with("tunnel error") && cause.source().is_none();
    is_of_proxy.then_some(Trouble::Proxy)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connection_errors_are_classified_by_their_cause() {
        let certificate = |why| Box::new(rustls::Error::InvalidCertificate(why));
        let causes: [(Box<dyn Error>, Option<Trouble>); 9] = [
            (
                certificate(CertificateError::UnknownIssuer),
                Some(Trouble::Issuer),
            ),
            (
                certificate(CertificateError::Expired),
                Some(Trouble::Certificate),
            ),
            (
                Box::new(rustls::Error::NoCertificatesPresented),
                Some(Trouble::Certificate),
            ),
            (Box::new(rustls::Error::DecryptError), Some(Trouble::Tls)),
            (
                Box::new(io::Error::from(io::ErrorKind::ConnectionRefused)),
                Some(Trouble::Refused),
            ),
            (
                Box::new(io::Error::from(io::ErrorKind::TimedOut)),
                Some(Trouble::TimeOut),
            ),
            ("dns error: no such name".into(), Some(Trouble::NoHost)),
            ("tunnel error: unsuccessful".into(), Some(Trouble::Proxy)),
            ("anything else".into(), None),
        ];
        for (cause, expected) in &causes {
            assert_eq!(told_by(cause.as_ref()), *expected, "{cause}");
        }
        let told = Trouble::Refused.in_words();
        assert!(told.contains("refused"), "{told}");
    }
}
