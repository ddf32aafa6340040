//! `estop serve`: open the doors, say where, and close them in order.

use std::time::Duration;

use axum::Router;
use tokio::net::TcpListener;
use url::Url;

use super::{Service, StartError};
use crate::domain::role::ServiceRole;
use crate::listener::{self, Socket, Tls};

/// Longest wait for work in flight when asked to stop.
const DRAIN: Duration = Duration::from_secs(20);

/// Where a service can be reached, once it can.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Announced {
    /// As which part of a service.
    pub role: ServiceRole,
    /// Where deliveries are taken, where any are.
    pub deliveries: Option<Url>,
    /// Where the control API listens, or the probes alone.
    pub control: Url,
}

/// Serves until `end` comes or our own token turns out to carry rights we must not have, then
/// drains. `announce` is called once its doors are open.
pub async fn serve(
    service: Service,
    announce: impl FnOnce(&Announced),
    end: impl Future<Output = ()>,
) -> Result<(), StartError> {
    let taking = taking(&service).await?;
    let (control, control_at) = bind(service.config.control_listen, "http").await?;
    let desk = service.control();
    announce(&Announced {
        role: service.config.role,
        deliveries: taking.as_ref().map(|taking| taking.at.clone()),
        control: control_at,
    });

    let stop = service.stopping();
    let limits = service.config.limits;
    let steering = listener::serve(control, desk, limits, service.clock.clone(), stop.clone());
    let ending = async {
        if stop.run_until_cancelled(end).await.is_some() {
            tracing::info!("asked to stop: finishing what is in flight");
        }
        stop.cancel();
    };
    let taking = async {
        if let Some(taking) = taking {
            taking.serve(&service).await;
        }
    };
    tokio::join!(taking, steering, ending);
    let refused = service.refused().map(str::to_owned);
    service.stop(DRAIN).await;
    refused.map_or(Ok(()), |why| Err(StartError::config(why)))
}

/// The door for senders, open.
struct TakingDoor {
    listener: TcpListener,
    at: Url,
    tls: Option<Tls>,
    door: Router,
}

/// Opens the door for senders, where this role has one.
async fn taking(service: &Service) -> Result<Option<TakingDoor>, StartError> {
    if !service.config.role.takes_deliveries() {
        return Ok(None);
    }
    let tls = tls(service)?;
    let scheme = if tls.is_some() { "https" } else { "http" };
    let (listener, at) = bind(service.config.listen, scheme).await?;
    let public = service.config.public_url.clone();
    let door = service.ingress(public.unwrap_or_else(|| at.clone()))?;
    Ok(Some(TakingDoor {
        listener,
        at,
        tls,
        door,
    }))
}

impl TakingDoor {
    /// Takes deliveries until the service stops, and shows a certificate that is renewed meanwhile.
    async fn serve(self, service: &Service) {
        let (stop, clock) = (service.stopping(), service.clock.clone());
        let socket = Socket::new(self.listener, self.tls.clone());
        let limits = service.config.limits;
        let taking = listener::serve(socket, self.door, limits, clock.clone(), stop.clone());
        let renewing = async {
            if let Some(tls) = self.tls {
                stop.run_until_cancelled(tls.reload_loop(clock)).await;
            }
        };
        tokio::join!(taking, renewing);
    }
}

/// The certificate of the door for senders, where one is configured.
fn tls(service: &Service) -> Result<Option<Tls>, StartError> {
    let files = service.config.tls.as_ref();
    let opened = files.map(|files| Tls::open(&files.certificate_file, &files.key_file));
    opened
        .transpose()
        .map_err(|unusable| StartError::config(unusable.to_string()))
}

async fn bind(
    address: std::net::SocketAddr,
    scheme: &str,
) -> Result<(TcpListener, Url), StartError> {
    let unusable = |why: String| StartError::config(format!("cannot listen on {address}: {why}"));
    let listener = TcpListener::bind(address)
        .await
        .map_err(|error| unusable(error.to_string()))?;
    let bound = listener
        .local_addr()
        .map_err(|error| unusable(error.to_string()))?;
    let url = format!("{scheme}://{bound}/")
        .parse()
        .map_err(|_| unusable("no address".to_owned()))?;
    Ok((listener, url))
}
