//! The API over HTTP: from a request to a verb on a resource, and back.

mod attributes;
mod body;
mod connect;
mod discovery;
mod identity;
mod list;
mod list_options;
mod openapi;
mod params;
mod path;
mod pod;
mod protobuf;
mod reply;
mod review;
mod swagger;
mod table;
mod token;
mod verb;
mod view;
mod watch;

use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, Method};
use axum::response::Response;
use hyper::upgrade::OnUpgrade;
use tokio::sync::watch as signal;

use self::params::Params;
use self::path::Route;
use self::reply::Accepts;
use super::access::User;
use super::status::{ApiError, ApiResult};
use super::world::World;

/// Bodies beyond this many bytes are refused, as the real server does.
const BODY_BYTES_MAX: usize = 3 << 20;

/// What handlers share.
#[derive(Clone)]
pub(crate) struct App {
    pub(crate) world: Arc<World>,
    /// Turns true when the server stops: watches end then.
    pub(crate) stopping: signal::Receiver<bool>,
}

/// One request, read.
pub(crate) struct Call {
    pub(crate) method: Method,
    pub(crate) user: Arc<User>,
    /// Without the token.
    pub(crate) path: String,
    pub(crate) headers: HeaderMap,
    pub(crate) params: Params,
    pub(crate) accepts: Accepts,
    pub(crate) body: Bytes,
    /// What the request's connection becomes, if it is one that can become another.
    pub(crate) upgrade: Option<OnUpgrade>,
}

/// The API as a service. Watches end when `stopping` turns true.
pub(crate) fn router(world: Arc<World>, stopping: signal::Receiver<bool>) -> Router {
    Router::new().fallback(handle).with_state(App { world, stopping })
}

async fn handle(State(app): State<App>, request: Request) -> Response {
    let accepts = Accepts::of(request.headers());
    let answer = match Params::of(request.uri()) {
        Ok(params) => {
            let accepts = accepts.clone().for_readers(&params, request.headers());
            answer(app, request, params, accepts).await
        }
        Err(error) => Err(error),
    };
    answer.unwrap_or_else(|error| reply::error(&accepts, &error))
}

async fn answer(app: App, request: Request, params: Params, accepts: Accepts) -> ApiResult<Response> {
    let (mut parts, body) = request.into_parts();
    let (sender, path) = identity::admit(&app, &parts.headers, parts.uri.path())?;
    let user = identity::speaker(&app, &parts.headers, sender)?;
    let asked = attributes::of(&parts.method, path, &params);
    identity::allow(&app.world.lock(), &user, &asked)?;
    let path = path.to_owned();
    let body = axum::body::to_bytes(body, BODY_BYTES_MAX).await.map_err(|_| {
        let message = format!("Request entity too large: limit is {BODY_BYTES_MAX}");
        ApiError::status(413, "RequestEntityTooLarge", message)
    })?;
    let upgrade = parts.extensions.remove();
    let call =
        Call { params, accepts, method: parts.method, user, path, headers: parts.headers, body, upgrade };
    dispatch(&app, &call).await
}

async fn dispatch(app: &App, call: &Call) -> ApiResult<Response> {
    match path::route(&call.path) {
        Route::Health => Ok(reply::text("ok")),
        Route::Version => discovery::version(call),
        Route::Core => discovery::core(app, call),
        Route::Groups => discovery::groups(app, call),
        Route::Group(group) => discovery::group(app, call, &group),
        Route::GroupVersion(group, version) => discovery::group_version(app, call, &group, &version),
        Route::OpenApiV2 => swagger::document(app, call),
        Route::OpenApiIndex => openapi::index(app, call),
        Route::OpenApi(group, version) => openapi::document(app, call, &group, &version),
        Route::Resource(target) => verb::serve(app, call, &target).await,
        Route::Unknown => Err(ApiError::UnknownPath),
    }
}
