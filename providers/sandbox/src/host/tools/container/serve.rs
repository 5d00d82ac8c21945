//! What a running container answers by HTTP where its ports are published.

use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;

use axum::Router;
use axum::extract::Request;
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use super::create::own_port;
use super::store::{Container, Port};
use crate::host::tools::Machine;

/// Listens where a container's ports are published. The error is docker's own.
///
/// What is published everywhere is published at the host's own addresses, and at 127.0.0.1 if nobody is there.
pub(super) async fn open(machine: &Machine, container: &mut Container) -> Result<Vec<TcpListener>, String> {
    let mut all = Vec::new();
    let own = machine.addresses();
    let localhost = IpAddr::V4(Ipv4Addr::LOCALHOST);
    for port in container.ports.iter_mut().filter(|port| port.protocol == "tcp") {
        let places = places(port, &own)?;
        for address in places {
            // What was chosen for the first address counts for the others, too.
            let bound = TcpListener::bind(SocketAddr::new(address, port.outer)).await;
            match bound.and_then(|listener| Ok((listener.local_addr()?.port(), listener))) {
                Ok((chosen, listener)) => {
                    port.outer = chosen;
                    all.push(listener);
                }
                Err(_) if address == localhost && port.address.is_empty() && !own.is_empty() => {}
                Err(error) => return Err(refusal(address, port, &error)),
            }
        }
    }
    if container.network == "host"
        && let Some(port) = own_port(container)
    {
        for address in own.iter().copied().chain([localhost]) {
            // Its own program would say so, and go on or not.
            all.extend(TcpListener::bind(SocketAddr::new(address, port)).await.ok());
        }
    }
    Ok(all)
}

fn places(port: &Port, own: &[IpAddr]) -> Result<Vec<IpAddr>, String> {
    match port.address.as_str() {
        "" | "0.0.0.0" | "::" => Ok(own.iter().copied().chain([IpAddr::V4(Ipv4Addr::LOCALHOST)]).collect()),
        address => match address.parse::<IpAddr>() {
            // Nothing of the sandbox's can be reached from elsewhere.
            Ok(address) if address.is_loopback() => Ok(vec![address]),
            _ => Err(format!("listen tcp4 {address}:{}: bind: cannot assign requested address", port.outer)),
        },
    }
}

fn refusal(address: IpAddr, port: &Port, error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::AddrInUse => {
            format!("Bind for {address}:{} failed: port is already allocated", port.outer)
        }
        _ => format!("listen tcp4 {address}:{}: bind: {error}", port.outer),
    }
}

/// Answers at these places until this is dropped.
pub(super) fn serve(
    machine: &Arc<Machine>,
    container: &Container,
    listeners: Vec<TcpListener>,
) -> JoinSet<()> {
    let mut serving = JoinSet::new();
    let page = Arc::new(page(machine, container));
    for listener in listeners {
        let (page, machine, id) = (Arc::clone(&page), Arc::clone(machine), container.id.clone());
        let router = Router::new().fallback(move |request: Request| {
            let line = format!("{} {} 200", request.method(), request.uri());
            machine.containers.log(&id, &line);
            std::future::ready(page.as_str().to_owned())
        });
        serving.spawn(async move {
            // It serves until it's dropped.
            let _ = axum::serve(listener, router).await;
        });
    }
    serving
}

/// The answer: that of the variable `SANDBOX_ANSWER`; else who it is. The values of its variables may be secret.
fn page(machine: &Machine, container: &Container) -> String {
    let answer = container.environment.iter().find_map(|line| line.strip_prefix("SANDBOX_ANSWER="));
    if let Some(answer) = answer {
        return answer.to_owned();
    }
    let host = machine.files.text("/etc/hostname").unwrap_or_default();
    let labels: String = container.labels.iter().map(|(name, value)| format!("  {name}={value}\n")).collect();
    let names = container.environment.iter().filter_map(|line| line.split_once('='));
    let names: String = names.map(|(name, _)| format!("  {name}\n")).collect();
    format!(
        "container: {}\nhost: {}\nimage: {}\nlabels:\n{labels}env:\n{names}",
        container.name,
        host.trim(),
        container.image
    )
}
