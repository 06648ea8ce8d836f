//! The connection to an address, direct or through a proxy.

use std::net::SocketAddr;
use std::time::Duration;

use hyper_util::client::proxy::matcher::Matcher;
use reqwest::Url;
use tokio::net::{TcpStream, lookup_host};

use super::trouble::Trouble;

/// The host to which the HTTP client connects for an address: the address's own, or a proxy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Route {
    /// The host of the address.
    host: String,
    /// The host of the connection.
    peer: String,
    port: u16,
    proxy: Option<String>,
}

impl Route {
    /// Returns the route to an API. The proxy settings of the environment apply to https only, as in
    /// [`Client`].
    ///
    /// [`Client`]: super::client::Client
    pub fn to_api(address: &str) -> Option<Route> {
        Route::of_api(&Url::parse(address).ok()?, &Matcher::from_system())
    }

    fn of_api(url: &Url, proxies: &Matcher) -> Option<Route> {
        match url.scheme() {
            "http" => Route::straight(url),
            _ => Route::through(url, proxies),
        }
    }

    /// Returns the route to a webhook, or `None` if the address is neither http nor https.
    pub fn to_webhook(address: &str) -> Option<Route> {
        let url = Url::parse(address).ok()?;
        matches!(url.scheme(), "http" | "https")
            .then(|| Route::through(&url, &Matcher::from_system()))?
    }

    fn through(url: &Url, proxies: &Matcher) -> Option<Route> {
        // The client looks up the proxy in the same way, by the address only.
        let asked = url.as_str().parse().ok()?;
        let Some(found) = proxies.intercept(&asked) else {
            return Route::straight(url);
        };
        // The proxy's credentials are not part of its address.
        let proxy = Url::parse(&found.uri().to_string()).ok()?;
        let route = Route::straight(&proxy)?;
        let shown = proxy.as_str().trim_end_matches('/').to_owned();
        Some(Route {
            host: Route::straight(url)?.host,
            proxy: Some(shown),
            ..route
        })
    }

    fn straight(url: &Url) -> Option<Route> {
        let host = url.host_str()?.trim_matches(['[', ']']).to_owned();
        // The client uses the same default port for a proxy of any protocol.
        let port = url.port_or_known_default().unwrap_or(80);
        Some(Route {
            peer: host.clone(),
            host,
            port,
            proxy: None,
        })
    }

    /// Returns the address of the proxy, without its user and password.
    pub fn proxy(&self) -> Option<&str> {
        self.proxy.as_deref()
    }

    /// Returns the host of the address.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// Resolves the name of the host.
    ///
    /// # Errors
    /// Fails if the name has no address or the resolver does not respond in time.
    pub async fn resolve(&self, patience: Duration) -> Result<Vec<SocketAddr>, Trouble> {
        let found = lookup_host((self.peer.as_str(), self.port));
        let found = tokio::time::timeout(patience, found).await;
        let found = found.map_err(|_| Trouble::TimeOut)?;
        let found: Vec<SocketAddr> = found.map_err(|_| Trouble::NoHost)?.collect();
        match found.is_empty() {
            true => Err(Trouble::NoHost),
            false => Ok(found),
        }
    }

    /// Resolves the name of the host and connects to it. Nothing is sent.
    ///
    /// # Errors
    /// Fails if no connection is made in time.
    pub async fn connect(&self, patience: Duration) -> Result<(), Trouble> {
        let found = self.resolve(patience).await?;
        let connected = tokio::time::timeout(patience, TcpStream::connect(&found[..])).await;
        let connected = connected.map_err(|_| Trouble::TimeOut)?;
        connected.map(drop).map_err(|error| Trouble::of_io(&error))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn route(address: &str, proxies: &Matcher) -> Route {
        Route::through(&Url::parse(address).unwrap(), proxies).unwrap()
    }

    #[test]
    fn a_proxy_is_connected_to_and_shown_without_credentials() {
        let proxies = Matcher::builder()
            .https("http://anna:hunter2@proxy.example.se:3128/x")
            .http("plain.example.se:81")
            .no("internal.example.se, 10.0.0.0/8")
            .build();
        let by = route("https://api.example.se/v1", &proxies);
        assert_eq!(by.proxy(), Some("http://proxy.example.se:3128"));
        assert_eq!((&*by.peer, by.port), ("proxy.example.se", 3128));
        assert_eq!(by.host(), "api.example.se");
        assert!(!format!("{by:?}").contains("hunter2"));
        let plain = route("http://hooks.example.se", &proxies);
        assert_eq!(plain.proxy(), Some("http://plain.example.se:81"));
        for straight in [
            "https://internal.example.se",
            "https://deep.internal.example.se/v1",
            "https://10.1.2.3:8443",
        ] {
            assert_eq!(route(straight, &proxies).proxy(), None, "{straight}");
        }
        let own = route("https://10.1.2.3:8443", &proxies);
        assert_eq!((own.host(), own.port), ("10.1.2.3", 8443));
        let all = Matcher::builder().all("https://[::1]").build();
        let by = route("https://api.example.se", &all);
        assert_eq!((&*by.peer, by.port), ("::1", 443));
    }

    #[test]
    fn plain_http_to_an_api_uses_no_proxy() {
        let route = Route::to_api("http://127.0.0.1:8787/v1").unwrap();
        assert_eq!((route.proxy(), route.port), (None, 8787));
        assert_eq!(Route::to_api("no address"), None);
        let proxies = Matcher::builder().all("http://proxy.example.se").build();
        let by = |address: &str| Route::of_api(&Url::parse(address).unwrap(), &proxies).unwrap();
        assert_eq!(by("http://localhost").proxy(), None);
        let proxy = Some("http://proxy.example.se");
        assert_eq!(by("https://localhost").proxy(), proxy);
    }

    #[test]
    fn a_webhook_is_reached_by_http_and_https() {
        let host = |address| Route::to_webhook(address).map(|route| route.host().to_owned());
        for address in ["http://hooks.example.se/x", "https://hooks.example.se"] {
            assert_eq!(host(address).as_deref(), Some("hooks.example.se"));
        }
        assert_eq!(host("ftp://hooks.example.se"), None);
        assert_eq!(host("no address"), None);
    }

    #[tokio::test]
    async fn a_refused_connection_and_an_unknown_name_are_distinguished() {
        let at = |address: &str| Route::straight(&Url::parse(address).unwrap()).unwrap();
        let patience = Duration::from_secs(30);
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        assert_eq!(at(&address).connect(patience).await, Ok(()));
        drop(listener);
        assert_eq!(at(&address).connect(patience).await, Err(Trouble::Refused));
        let nowhere = at("http://no.such.host.invalid");
        assert_eq!(nowhere.connect(patience).await, Err(Trouble::NoHost));
    }
}
