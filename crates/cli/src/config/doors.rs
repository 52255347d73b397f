//! Settings of how connections come in: TLS, client certificates, proxies, how many.

use std::net::SocketAddr;

use anyhow::{Context, Result, bail};
use assent_server::listen::proxy::Proxies;
use assent_server::listen::tls::TlsFiles;
use assent_server::outbound::address::Network;
use assent_server::settings::Settings;
use http::HeaderName;

use crate::args::ServeArgs;
use crate::config::ServerSection;

/// Certificate and key, if the server speaks TLS itself.
pub fn tls(args: &ServeArgs, file: &ServerSection) -> Result<Option<TlsFiles>> {
    let certificate = args.tls_certificate.as_ref().or(file.tls_certificate.as_ref());
    let key = args.tls_key.as_ref().or(file.tls_key.as_ref());
    match (certificate, key) {
        (None, None) => Ok(None),
        (Some(certificate), Some(key)) => {
            Ok(Some(TlsFiles { certificate: certificate.clone(), key: key.clone() }))
        }
        _ => bail!("server.tls_certificate and server.tls_key come together: set both or neither"),
    }
}

/// Where clients are asked for their certificates, if anywhere: here, or at a proxy.
pub fn mtls(
    args: &ServeArgs,
    file: &ServerSection,
    has_tls: bool,
    server: &mut Settings,
) -> Result<Option<SocketAddr>> {
    let listen = args.mtls_listen.or(file.mtls_listen);
    let path = args.mtls_auth_path.as_ref().or(file.mtls_auth_path.as_ref());
    if listen.is_some() && !has_tls {
        bail!("server.mtls_listen speaks TLS: set server.tls_certificate and server.tls_key");
    }
    match path {
        Some(path) => server.set_mtls_auth_path(path)?,
        None if listen.is_some() => bail!(
            "server.mtls_auth_path is missing: set the URL under which clients reach \
             server.mtls_listen, for example https://mtls.auth.example.com"
        ),
        None => {}
    }
    Ok(listen)
}

/// Whose word about the connection behind them counts.
pub fn proxies(args: &ServeArgs, file: &ServerSection, server: &mut Settings) -> Result<()> {
    let given = &args.trusted_proxies;
    let networks = if given.is_empty() { &file.trusted_proxies } else { given };
    let parse = |text: &String| {
        Network::parse(text).map_err(|why| anyhow::anyhow!("server.trusted_proxies: {why}"))
    };
    let networks = networks.iter().map(parse).collect::<Result<Vec<_>>>()?;
    let header =
        args.client_certificate_header.as_ref().or(file.client_certificate_header.as_ref());
    if header.is_some() && networks.is_empty() {
        bail!(
            "server.client_certificate_header is believed from nobody: \
             set server.trusted_proxies too"
        );
    }
    let header = header
        .map(|name| {
            HeaderName::try_from(name.as_str()).with_context(|| {
                format!("server.client_certificate_header is no header name: {name:?}")
            })
        })
        .transpose()?;
    server.proxies = Proxies::new(networks, header);
    Ok(())
}

/// How many connections one address may have.
pub fn connections(args: &ServeArgs, file: &ServerSection, server: &mut Settings) -> Result<()> {
    let wanted = args.connections_per_address.or(file.connections_per_address);
    let Some(wanted) = wanted else { return Ok(()) };
    if wanted == 0 {
        bail!("server.connections_per_address must be at least 1");
    }
    server.connections.per_address = wanted;
    Ok(())
}
