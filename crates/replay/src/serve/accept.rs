//! Which form of an answer the client would like best.

use axum::http::HeaderMap;
use axum::http::header::ACCEPT;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    Whole,
    Table,
    MetadataOnly,
}

/// The first form in the Accept header that we speak; whole objects when there is none.
pub(super) fn form(headers: &HeaderMap) -> Form {
    for media_type in media_types(headers) {
        match media_type.get("as") {
            Some("Table") => return Form::Table,
            Some("PartialObjectMetadata" | "PartialObjectMetadataList") => {
                return Form::MetadataOnly;
            }
            Some(_) => {}
            None if media_type.name == "application/json" || media_type.name.ends_with("/*") => {
                return Form::Whole;
            }
            None => {}
        }
    }
    Form::Whole
}

/// The version of aggregated discovery that the client prefers to the plain one.
pub(super) fn aggregated_discovery(headers: &HeaderMap) -> bool {
    media_types(headers)
        .take_while(|media_type| media_type.get("as").is_some() || media_type.name != "application/json")
        .any(|media_type| media_type.get("as") == Some("APIGroupDiscoveryList") && media_type.get("v") == Some("v2"))
}

struct MediaType<'a> {
    name: &'a str,
    parameters: &'a str,
}

impl<'a> MediaType<'a> {
    fn get(&self, name: &str) -> Option<&'a str> {
        self.parameters
            .split(';')
            .filter_map(|parameter| parameter.trim().split_once('='))
            .find_map(|(key, value)| (key == name).then_some(value))
    }
}

fn media_types(headers: &HeaderMap) -> impl Iterator<Item = MediaType<'_>> {
    headers.get_all(ACCEPT).iter().filter_map(|value| value.to_str().ok()).flat_map(|value| value.split(',')).map(
        |text| {
            let (name, parameters) = text.split_once(';').unwrap_or((text, ""));
            MediaType { name: name.trim(), parameters }
        },
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(accept: &'static str) -> HeaderMap {
        HeaderMap::from_iter([(ACCEPT, axum::http::HeaderValue::from_static(accept))])
    }

    #[test]
    fn the_first_known_form_wins() {
        for (accept, expected) in [
            ("application/json", Form::Whole),
            ("application/json;as=Table;v=v1;g=meta.k8s.io,application/json", Form::Table),
            (
                "application/vnd.kubernetes.protobuf;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1,application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1",
                Form::MetadataOnly,
            ),
            ("application/vnd.kubernetes.protobuf,application/json;as=Table", Form::Table),
            ("*/*", Form::Whole),
        ] {
            assert_eq!(form(&headers(accept)), expected, "{accept}");
        }
        assert_eq!(form(&HeaderMap::new()), Form::Whole);
    }

    #[test]
    fn aggregated_discovery_must_be_asked_for() {
        assert!(aggregated_discovery(&headers(
            "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json"
        )));
        assert!(!aggregated_discovery(&headers(
            "application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList,application/json"
        )));
        assert!(!aggregated_discovery(&headers("application/json")));
    }
}
