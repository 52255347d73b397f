//! What answers of the management API have in common: links, lists, statuses.

use std::collections::BTreeMap;

use assent_protocol::id::Id;
use assent_protocol::record::{Stored, Versioned};
use assent_store::Range;
use axum::response::{IntoResponse, Response};
use http::header::CONTENT_TYPE;
use http::{HeaderValue, StatusCode};
use serde::Serialize;
use url::form_urlencoded::Serializer as Query;

use crate::failure;
use crate::management::ask::Ask;
use crate::management::detail::Detail;
use crate::management::problem::Problem;
use crate::management::route::Answer;
use crate::registry::Tenant;

/// Longest page.
const PAGE_MAX: u32 = 200;
/// Length of a page unless the caller says otherwise.
const PAGE: u32 = 100;

/// A link.
#[derive(Serialize)]
pub struct Link {
    href: String,
}

/// Links by relation.
pub type Links = BTreeMap<&'static str, Link>;

/// Links of these relations.
pub fn links<const N: usize>(targets: [(&'static str, String); N]) -> Links {
    targets.into_iter().map(|(relation, href)| (relation, Link { href })).collect()
}

/// `{"id": …}`: what another object is known by.
#[derive(Serialize)]
pub struct Reference {
    id: String,
}

impl Reference {
    /// Refers to the object with this identifier.
    pub fn new<T>(id: Id<T>) -> Self {
        Self { id: id.to_string() }
    }
}

/// 200 with a body.
///
/// # Errors
/// The body could not be written.
pub fn ok(body: &impl Serialize) -> Answer {
    respond(StatusCode::OK, body)
}

/// 201 with a body.
///
/// # Errors
/// The body could not be written.
pub fn created(body: &impl Serialize) -> Answer {
    respond(StatusCode::CREATED, body)
}

/// 204.
pub fn no_content() -> Response {
    let mut response = StatusCode::NO_CONTENT.into_response();
    failure::no_store(&mut response);
    response
}

fn respond(status: StatusCode, body: &impl Serialize) -> Answer {
    let mut response = (status, serde_json::to_vec(body)?).into_response();
    failure::no_store(&mut response);
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    Ok(response)
}

/// A list. `count` is how many there are in all and stands only where that is known: the store
/// does not count.
#[derive(Serialize)]
struct List<B> {
    #[serde(rename = "_links")]
    links: Links,
    #[serde(rename = "_embedded")]
    embedded: BTreeMap<&'static str, Vec<B>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    count: Option<usize>,
    size: usize,
}

/// Which part of a list is asked for. The cursor is the identifier that the page before ended
/// with, so it can be made up freely and gains nothing (T-83).
pub struct Window<T> {
    /// So many at most.
    pub limit: usize,
    /// Those after this one.
    pub after: Option<Id<T>>,
}

impl<P> Ask<P> {
    /// The window that the query asks for.
    ///
    /// # Errors
    /// A parameter that is repeated or not one.
    pub fn window<T>(&self) -> Result<Window<T>, Problem> {
        let limit = match self.parameter("limit")? {
            None => PAGE,
            Some(text) => {
                let range = 1..=PAGE_MAX;
                let number = text.parse().ok();
                number
                    .filter(|number| range.contains(number))
                    .ok_or_else(|| Detail::out_of_range("limit", &range))?
            }
        };
        let after = match self.parameter("cursor")? {
            None => None,
            Some(text) => {
                let message = "cursor must come from the link to the next page";
                Some(Id::parse(text).ok_or_else(|| Detail::parameter("cursor", message))?)
            }
        };
        Ok(Window { limit: usize::try_from(limit).unwrap_or(1), after })
    }

    /// A query parameter that may occur once.
    ///
    /// # Errors
    /// It occurs more than once.
    pub fn parameter<'a>(&'a self, name: &'a str) -> Result<Option<&'a str>, Problem> {
        let mut values = self.query(name);
        match (values.next(), values.next()) {
            (value, None) => Ok(value),
            (_, Some(_)) => {
                Err(Detail::parameter(name, format!("{name} must not occur twice")).into())
            }
        }
    }

    /// One page of a list; `next` is what it ends with when there is more.
    ///
    /// # Errors
    /// The body could not be written.
    pub fn page<T, B: Serialize>(
        &self,
        name: &'static str,
        items: Vec<B>,
        window: &Window<T>,
        next: Option<Id<T>>,
    ) -> Answer {
        let whole = window.after.is_none() && next.is_none();
        let mut links = links([("self", self.href())]);
        if let Some(next) = next {
            links.insert("next", Link { href: self.next_href(window.limit, next) });
        }
        let size = items.len();
        let embedded = BTreeMap::from([(name, items)]);
        ok(&List { links, embedded, count: whole.then_some(size), size })
    }

    /// A list that is short by its nature and always whole.
    ///
    /// # Errors
    /// The body could not be written.
    pub fn whole<B: Serialize>(&self, name: &'static str, items: Vec<B>) -> Answer {
        let size = items.len();
        let embedded = BTreeMap::from([(name, items)]);
        ok(&List { links: links([("self", self.href())]), embedded, count: Some(size), size })
    }

    fn next_href<T>(&self, limit: usize, next: Id<T>) -> String {
        let mut query = Query::new(String::new());
        query.append_pair("limit", &limit.to_string());
        query.append_pair("cursor", &next.to_string());
        for filter in self.query("filter") {
            query.append_pair("filter", filter);
        }
        format!("{}?{}", self.href(), query.finish())
    }
}

impl Ask<Tenant> {
    /// At most `limit` records of a kind in this environment, and whether there are more.
    ///
    /// # Errors
    /// The store cannot be read.
    pub async fn read<T: Stored>(
        &self,
        prefix: Vec<u8>,
        after: Option<Vec<u8>>,
        limit: usize,
    ) -> Result<(Vec<Versioned<T>>, bool), Problem> {
        let range = Range { env: self.env(), kind: T::KIND, prefix, after, limit: limit + 1 };
        let mut found = self.app.store.list::<T>(&range).await?;
        let more = found.len() > limit;
        found.truncate(limit);
        Ok((found, more))
    }
}
