//! The Kubernetes client library reads a recording as it reads a cluster.

use futures::TryStreamExt;
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::autoscaling::v1::Scale;
use k8s_openapi::api::core::v1::{Event, Node, Pod};
use kube::Api;
use kube::api::{DynamicObject, ListParams, LogParams, WatchEvent, WatchParams};
use kube::discovery::{Discovery, Scope};

use crate::harness::{client, replay};

#[tokio::test]
async fn typed_objects_are_read() {
    let client = client(&replay("mixed"));
    let pods: Api<Pod> = Api::all(client.clone());
    assert_eq!(pods.list(&ListParams::default()).await.unwrap().items.len(), 3);
    let stable = pods.list(&ListParams::default().labels("app in (cart,web),track=stable")).await.unwrap();
    assert_eq!(stable.items[0].metadata.name.as_deref(), Some("cart-1"));
    let pending = pods.list(&ListParams::default().fields("status.phase=Pending,spec.nodeName!=node-1")).await.unwrap();
    assert_eq!(pending.items[0].metadata.name.as_deref(), Some("web-1"));
    let deployments: Api<Deployment> = Api::namespaced(client.clone(), "shop");
    assert_eq!(deployments.get("cart").await.unwrap().status.unwrap().ready_replicas, Some(1));
    let scale: Scale = deployments.get_scale("cart").await.unwrap();
    assert_eq!(scale.status.unwrap().selector.as_deref(), Some("app=cart"));
    let version = client.apiserver_version().await.unwrap();
    assert_eq!((version.major.as_str(), version.minor.as_str()), ("1", "36"));
}

#[tokio::test]
async fn events_are_the_same_in_both_groups() {
    let client = client(&replay("mixed"));
    let core: Api<Event> = Api::namespaced(client.clone(), "shop");
    let warnings = core.list(&ListParams::default().fields("type=Warning,involvedObject.name=cart-1")).await.unwrap();
    assert_eq!(warnings.items[0].message.as_deref(), Some("Back-off restarting failed container"));
    let grouped: Api<k8s_openapi::api::events::v1::Event> = Api::namespaced(client, "shop");
    let events = grouped.list(&ListParams::default()).await.unwrap().items;
    assert_eq!(events.len(), 2);
    assert_eq!(events[0].note.as_deref(), Some("Back-off restarting failed container"));
    assert_eq!(events[0].deprecated_count, Some(3));
    assert_eq!(events[1].regarding.as_ref().unwrap().name.as_deref(), Some("web-1"));
}

#[tokio::test]
async fn what_is_absent_is_not_found() {
    let client = client(&replay("mixed"));
    let pods: Api<Pod> = Api::namespaced(client.clone(), "shop");
    assert!(pods.get_opt("absent").await.unwrap().is_none());
    let kube::Error::Api(status) = pods.get("absent").await.unwrap_err() else {
        panic!("expected a status");
    };
    assert_eq!(
        (status.message.as_str(), status.reason.as_str(), status.code),
        ("pods \"absent\" not found", "NotFound", 404)
    );
    let nodes: Api<Node> = Api::all(client);
    assert!(nodes.list(&ListParams::default()).await.unwrap().items.is_empty());
    let kube::Error::Api(status) = pods.delete("cart-1", &Default::default()).await.unwrap_err() else {
        panic!("expected a status");
    };
    assert_eq!((status.reason.as_str(), status.code), ("MethodNotAllowed", 405));
}

#[tokio::test]
async fn pages_follow_each_other_without_gap_or_repeat() {
    let client = client(&replay("mixed"));
    let pods: Api<Pod> = Api::all(client);
    let mut names = Vec::new();
    let mut parameters = ListParams::default().limit(2);
    loop {
        let page = pods.list(&parameters).await.unwrap();
        assert!(page.items.len() <= 2);
        names.extend(page.items.into_iter().filter_map(|pod| pod.metadata.name));
        let Some(token) = page.metadata.continue_.filter(|token| !token.is_empty()) else {
            break;
        };
        parameters = parameters.continue_token(&token);
    }
    assert_eq!(names, ["dns-1", "cart-1", "web-1"]);
    let expired = pods.list(&ListParams::default().limit(2).continue_token("6e6f")).await.unwrap_err();
    assert!(matches!(expired, kube::Error::Api(status) if status.code == 410 && status.reason == "Expired"));
}

#[tokio::test]
async fn a_watch_gives_what_is_there_and_then_nothing() {
    let client = client(&replay("mixed"));
    let pods: Api<Pod> = Api::namespaced(client, "shop");
    let events: Vec<WatchEvent<Pod>> =
        pods.watch(&WatchParams::default().timeout(1), "0").await.unwrap().try_collect().await.unwrap();
    assert_eq!(events.len(), 2);
    assert!(events.iter().all(|event| matches!(event, WatchEvent::Added(_))));
    let later: Vec<_> = pods.watch(&WatchParams::default().timeout(1), "1").await.unwrap().try_collect().await.unwrap();
    assert!(later.is_empty());
    let initial = WatchParams::default().timeout(1).initial_events();
    let events: Vec<WatchEvent<Pod>> = pods.watch(&initial, "0").await.unwrap().try_collect().await.unwrap();
    assert!(
        matches!(&events[2], WatchEvent::Bookmark(mark) if mark.metadata.annotations.contains_key("k8s.io/initial-events-end"))
    );
}

#[tokio::test]
async fn logs_are_given_and_refused_as_by_an_api_server() {
    let client = client(&replay("mixed"));
    let pods: Api<Pod> = Api::namespaced(client, "shop");
    let of = |container: &str| LogParams { container: Some(container.into()), ..LogParams::default() };
    assert_eq!(pods.logs("cart-1", &of("cart")).await.unwrap(), "starting\nlistening on 8080\npanic: no database\n");
    assert_eq!(
        pods.logs("cart-1", &LogParams { tail_lines: Some(1), timestamps: true, ..of("cart") }).await.unwrap(),
        "2026-03-01T02:59:59.000000003Z panic: no database\n"
    );
    assert_eq!(
        pods.logs("cart-1", &LogParams { since_seconds: Some(100), ..of("cart") }).await.unwrap(),
        "listening on 8080\npanic: no database\n"
    );
    assert_eq!(pods.logs("cart-1", &LogParams { previous: true, ..of("cart") }).await.unwrap(), "before\n");
    assert_eq!(pods.logs("cart-1", &of("proxy")).await.unwrap(), "");
    for (pod, parameters, message) in [
        (
            "cart-1",
            LogParams::default(),
            "a container name must be specified for pod cart-1, choose one of: [cart proxy] or one of the init containers: [setup]",
        ),
        ("cart-1", of("absent"), "container absent is not valid for pod cart-1"),
        (
            "cart-1",
            LogParams { previous: true, ..of("proxy") },
            "previous terminated container \"proxy\" in pod \"cart-1\" not found",
        ),
        (
            "web-1",
            LogParams::default(),
            "container \"web\" in pod \"web-1\" is waiting to start: trying and failing to pull image",
        ),
    ] {
        let error = pods.logs(pod, &parameters).await.unwrap_err();
        assert!(
            matches!(&error, kube::Error::Api(status) if status.message == message && status.code == 400),
            "{error}"
        );
    }
}

#[tokio::test]
async fn discovery_names_built_in_and_recorded_kinds() {
    let client = client(&replay("mixed"));
    for discovery in [
        Discovery::new(client.clone()).run_aggregated().await.unwrap(),
        Discovery::new(client.clone()).run().await.unwrap(),
    ] {
        let find = |group: &str, kind: &str| {
            let (resource, capabilities) = discovery.get(group).unwrap().recommended_kind(kind).unwrap();
            (resource.plural, capabilities.scope == Scope::Namespaced)
        };
        assert_eq!(find("", "Pod"), ("pods".to_owned(), true));
        assert_eq!(find("storage.k8s.io", "StorageClass"), ("storageclasses".to_owned(), false));
        assert_eq!(find("sea.example.com", "Octopus"), ("octopi".to_owned(), true));
        assert_eq!(find("net.example.com", "Gateway"), ("gateways".to_owned(), false));
    }
    let octopus =
        kube::discovery::pinned_kind(&client, &kube::api::GroupVersionKind::gvk("sea.example.com", "v1", "Octopus"))
            .await
            .unwrap()
            .0;
    let octopi: Api<DynamicObject> = Api::namespaced_with(client, "shop", &octopus);
    assert_eq!(octopi.get("inky").await.unwrap().data["spec"]["arms"], 8);
}

#[tokio::test]
async fn metadata_alone_can_be_asked_for() {
    let pods: Api<Pod> = Api::all(client(&replay("mixed")));
    let list = pods.list_metadata(&ListParams::default()).await.unwrap();
    assert_eq!(list.items[1].metadata.labels.as_ref().unwrap()["app"], "cart");
    assert_eq!(pods.list_metadata(&ListParams::default().limit(1)).await.unwrap().items.len(), 1);
}
