//! Requests as people type them for kubectl.

use cluster::spoken;

#[test]
fn what_is_typed_is_read_as_it_was_meant() {
    for (text, summary) in [
        ("kubectl get pods -o yaml -n shop", "list pods in shop"),
        ("get pods -l app=web -A", "list pods"),
        ("get deploy/web -nshop -o=json", "get deployments.apps web in shop"),
        ("logs deploy/web -c app --tail=5 -n shop", "get pods/log web in shop"),
        ("delete po web-1 --namespace shop --grace-period 0", "delete pods web-1 in shop"),
        ("delete pods --all -n shop", "deletecollection pods in shop"),
        ("scale --replicas=3 deployment/web", "patch deployments.apps/scale web in default"),
        ("get widgets.v1beta1.example.com w", "get widgets.example.com w in default"),
        (
            "PATCH /apis/apps/v1/namespaces/shop/deployments/web {\"spec\": {\"replicas\": 3}}",
            "patch deployments.apps web in shop",
        ),
    ] {
        let read = spoken::read(text).unwrap_or_else(|error| panic!("{text}: {error}"));
        assert_eq!(read.request.summary(), summary, "{text}");
    }
    for text in [
        "",
        "fly pod web",
        "delete pod a b",
        "scale deployment/web",
        "get",
        "patch pod web",
        "delete pod ../x",
        "GET /version",
        "exec",
    ] {
        assert!(spoken::read(text).is_err(), "{text}");
    }
}
