//! The query parameters of a read request.

use std::collections::HashMap;
use std::str::FromStr;

use axum::extract::Query;
use axum::http::Uri;

use super::failure::Failure;
use crate::selector::{FieldSelector, LabelSelector};

pub(super) struct Parameters(HashMap<String, String>);

impl Parameters {
    pub fn of(uri: &Uri) -> Result<Self, Failure> {
        // Read as pairs: a parameter given twice is no error.
        let Query(pairs) = Query::<Vec<(String, String)>>::try_from_uri(uri)
            .map_err(|error| Failure::bad_request(error.to_string()))?;
        Ok(Self(pairs.into_iter().collect()))
    }

    /// A parameter that is not empty.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }

    pub fn flag(&self, name: &str) -> bool {
        self.text(name).is_some_and(|value| value == "true" || value == "1")
    }

    pub fn number<T: FromStr>(&self, name: &str) -> Result<Option<T>, Failure> {
        let Some(text) = self.text(name) else {
            return Ok(None);
        };
        text.parse().map(Some).map_err(|_| Failure::bad_request(format!("{name}: invalid value \"{text}\"")))
    }

    pub fn label_selector(&self) -> Result<LabelSelector, Failure> {
        let text = self.text("labelSelector").unwrap_or_default();
        text.parse().map_err(|error| Failure::bad_request(format!("unable to parse labelSelector \"{text}\": {error}")))
    }

    pub fn field_selector(&self) -> Result<FieldSelector, Failure> {
        let text = self.text("fieldSelector").unwrap_or_default();
        text.parse().map_err(|error| Failure::bad_request(format!("unable to parse fieldSelector \"{text}\": {error}")))
    }
}
