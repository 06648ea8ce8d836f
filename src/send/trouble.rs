use std::error::Error;
use std::io;

use crate::model::Code;

/// Why no connection could be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trouble {
    /// Nothing listens there.
    Refused,
    /// The host's name has no address.
    NoHost,
    /// The server's certificate is not trusted.
    Certificate,
    /// Nobody answered in time.
    TimeOut,
    /// TLS could not be agreed on.
    Tls,
    /// Anything else.
    Other,
}

impl Trouble {
    /// What kept a request from leaving, by what its causes say.
    pub fn of(error: &reqwest::Error) -> Trouble {
        let mut next: Option<&(dyn Error + 'static)> = Some(error);
        while let Some(cause) = next {
            if let Some(trouble) = told_by(cause) {
                return trouble;
            }
            // An I/O error hides what it was made of from the chain of causes.
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

    /// In words, for a person.
    pub fn in_words(self) -> String {
        self.code().sentence()
    }

    /// As a code.
    pub fn code(self) -> Code {
        match self {
            Trouble::Refused => Code::NetworkRefused,
            Trouble::NoHost => Code::NetworkNoHost,
            Trouble::Certificate => Code::NetworkCertificate,
            Trouble::TimeOut => Code::NetworkTimeOut,
            Trouble::Tls => Code::NetworkTls,
            Trouble::Other => Code::NetworkConnect,
        }
    }
}

/// What one of the causes tells, if it tells anything.
fn told_by(cause: &(dyn Error + 'static)) -> Option<Trouble> {
    if let Some(tls) = cause.downcast_ref::<rustls::Error>() {
        return Some(match tls {
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
    // The resolver's error has no type that can be asked.
    let is_of_resolver = cause.to_string().starts_with("dns error");
    is_of_resolver.then_some(Trouble::NoHost)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_kept_a_connection_from_being_made_is_told_by_its_cause() {
        let certificate = rustls::CertificateError::UnknownIssuer;
        let causes: [(Box<dyn Error>, Option<Trouble>); 7] = [
            (
                Box::new(rustls::Error::InvalidCertificate(certificate)),
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
            ("anything else".into(), None),
        ];
        for (cause, expected) in &causes {
            assert_eq!(told_by(cause.as_ref()), *expected, "{cause}");
        }
        let told = Trouble::Refused.in_words();
        assert!(told.contains("refused"), "{told}");
    }
}
