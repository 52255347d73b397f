//! An environment's rules, ready to be applied.

use std::net::IpAddr;
use std::sync::Arc;

use assent_protocol::environment::OutboundSettings;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::{PemObject, SectionKind};
use rustls::{ClientConfig, RootCertStore};
use url::Host;

use crate::outbound::address::{Network, Standing, standing};

/// The port of `https`.
const HTTPS: u16 = 443;
/// Certificate authorities that one environment adds.
const CERTIFICATES_MAX: usize = 32;

/// What may be called, and whom to believe.
pub struct Rules {
    hosts: Vec<Pattern>,
    networks: Vec<Network>,
    ports: Vec<u16>,
    /// How to speak TLS.
    pub tls: Arc<ClientConfig>,
}

/// Which hosts a line allows.
enum Pattern {
    /// This one, as it is written in URLs.
    Exact(String),
    /// Every name that ends so: `.example.com`.
    Below(String),
}

/// Which member of the settings cannot be applied, and why.
pub type Refusal = (&'static str, &'static str);

impl Rules {
    /// Reads the settings; `public` are the authorities that everybody trusts.
    ///
    /// # Errors
    /// A member cannot be applied.
    pub fn parse(settings: &OutboundSettings, public: &RootCertStore) -> Result<Self, Refusal> {
        let hosts = settings.allowed_hosts.iter().map(|text| Pattern::parse(text));
        let hosts = hosts.collect::<Result<_, _>>().map_err(|why| ("allowedHosts", why))?;
        let networks = settings.allowed_networks.iter().map(|text| private_network(text));
        let networks =
            networks.collect::<Result<_, _>>().map_err(|why| ("allowedNetworks", why))?;
        if settings.allowed_ports.contains(&0) {
            return Err(("allowedPorts", "there is no port 0"));
        }
        let refused = |why| ("trustedCertificates", why);
        let mut roots = public.clone();
        add_certificates(&settings.trusted_certificates, &mut roots).map_err(refused)?;
        let tls = tls(roots).map_err(refused)?;
        Ok(Self { hosts, networks, ports: settings.allowed_ports.clone(), tls })
    }

    /// Whether the host may be called as far as its name says.
    ///
    /// # Errors
    /// Why not.
    pub fn check_host(&self, host: &Host<&str>) -> Result<(), &'static str> {
        let text = host.to_string();
        let listed = self.hosts.is_empty() || self.hosts.iter().any(|it| it.allows(&text));
        if listed { Ok(()) } else { Err("the environment's allowedHosts do not list the host") }
    }

    /// Whether all addresses of a host may be called at this port: one that may not spoils the
    /// rest (T-75).
    ///
    /// # Errors
    /// Why not.
    pub fn check_addresses(&self, addresses: &[IpAddr], port: u16) -> Result<(), &'static str> {
        let open = port == HTTPS || self.ports.contains(&port);
        for address in addresses {
            let allowed = self.networks.iter().any(|network| network.holds(*address));
            match standing(*address) {
                Standing::Never(why) => return Err(why),
                Standing::Private if !allowed => return Err("it is a private address"),
                Standing::Private => {}
                Standing::Public if !open => {
                    return Err("the environment's allowedPorts do not list the port");
                }
                Standing::Public => {}
            }
        }
        Ok(())
    }
}

impl Pattern {
    fn parse(text: &str) -> Result<Self, &'static str> {
        let malformed = "a host is written as shop.example.com, *.example.com or 192.0.2.1";
        let (below, name) = match text.strip_prefix("*.") {
            Some(name) => (true, name),
            None => (false, text),
        };
        // The same reading as of URLs, so that both spell a name alike.
        match (below, Host::parse(name).map_err(|_| malformed)?) {
            (_, Host::Domain(name)) if name.contains('*') || name.ends_with('.') => Err(malformed),
            (true, Host::Domain(name)) => Ok(Self::Below(format!(".{name}"))),
            (true, Host::Ipv4(_) | Host::Ipv6(_)) => Err(malformed),
            (false, host) => Ok(Self::Exact(host.to_string())),
        }
    }

    fn allows(&self, host: &str) -> bool {
        match self {
            Self::Exact(name) => host == name,
            Self::Below(ending) => host.ends_with(ending.as_str()),
        }
    }
}

fn private_network(text: &str) -> Result<Network, &'static str> {
    let network = Network::parse(text)?;
    if network.is_private() {
        return Ok(network);
    }
    Err("only private networks are listed: public addresses may be called anyhow, others never")
}

/// Adds certificates in PEM to those that are believed.
///
/// # Errors
/// Why it cannot, in words for an administrator.
pub fn add_certificates(pem: &str, roots: &mut RootCertStore) -> Result<(), &'static str> {
    let mut count = 0;
    for section in <(SectionKind, Vec<u8>)>::pem_slice_iter(pem.as_bytes()) {
        let (kind, der) = section.map_err(|_| "it is not valid PEM")?;
        if kind != SectionKind::Certificate {
            return Err("it holds something that is not a certificate");
        }
        count += 1;
        if count > CERTIFICATES_MAX {
            return Err("there are more than 32 certificates");
        }
        roots.add(CertificateDer::from(der)).map_err(|_| "a certificate cannot be read")?;
    }
    if count == 0 && !pem.trim().is_empty() {
        return Err("it holds no PEM certificate");
    }
    Ok(())
}

fn tls(roots: RootCertStore) -> Result<Arc<ClientConfig>, &'static str> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|_| "TLS cannot be set up")?
        .with_root_certificates(roots)
        .with_no_client_auth();
    // A resumed session would not look at the certificate again.
    config.resumption = rustls::client::Resumption::disabled();
    Ok(Arc::new(config))
}
