//! The table of action classes, row by row: which request is R, S, W, D, X or N, and what the object changes about it.

use Class::{D, N, R, S, W, X};
use cluster::{Class, Request, Scope, Seen, Verb, classify, spoken};
use serde_json::{Value, json};

fn scope() -> Scope {
    Scope {
        protected_namespaces: vec!["kube-*".to_owned(), "monitoring".to_owned()],
        protected_labels: vec![("tier".to_owned(), "prod".to_owned())],
        own_namespaces: vec!["midwatch".to_owned()],
        registries: vec!["registry.example.com/".to_owned()],
        replicas: 1..=100,
    }
}

fn class_of(text: &str, seen: &Seen<'_>) -> cluster::Classified {
    let read = spoken::read(text).unwrap_or_else(|error| panic!("{text}: {error}"));
    if let Some(pretended) = read.pretended {
        let (live, revisions) = pretended.seen();
        return scope().classify(&read.request, &Seen { live: Some(&live), after: None, revisions: &revisions });
    }
    scope().classify(&read.request, seen)
}

/// Each row without knowing the object.
fn table(rows: &[(&str, Class)]) {
    for (text, expected) in rows {
        let found = class_of(text, &Seen::default());
        assert_eq!(found.class, *expected, "{text}: {:?}", found.why);
        assert!(!found.why.is_empty(), "{text}");
    }
}

/// Each row with the object as it is.
fn with_live(rows: &[(&str, Value, Class)]) {
    for (text, live, expected) in rows {
        let found = class_of(text, &Seen { live: Some(live), ..Seen::default() });
        assert_eq!(found.class, *expected, "{text} on {live}: {:?}", found.why);
    }
}

#[test]
fn r_read_of_workloads_events_nodes_metrics_and_logs() {
    table(&[
        ("get pods -n shop", R),
        ("get pod web-1 -n shop", R),
        ("get pods -A", R),
        ("get deployments.apps -n shop -w", R),
        ("describe deployment web -n kube-system", R),
        ("get events -n shop", R),
        ("get nodes", R),
        ("get node n1", R),
        ("top pods -n shop", R),
        ("top node n1", R),
        ("logs web-1 -n shop", R),
        ("rollout status deployment/web -n shop", R),
        ("rollout history deployment/web -n shop", R),
        ("get pvc data-0 -n shop", R),
        ("get hpa web -n shop", R),
        ("get ingress web -n shop", R),
        ("get crd backups.example.com", R),
        ("get backups.example.com -n shop", R),
        ("GET /apis/apps/v1/namespaces/shop/deployments/web/scale", R),
        ("GET /apis/apps/v1/namespaces/shop/deployments/web/status", R),
        ("get validatingwebhookconfigurations", R),
        ("get serviceaccounts -n shop", R),
        ("auth can-i delete pods", R),
        ("POST /apis/authorization.k8s.io/v1/selfsubjectrulesreviews {\"spec\":{\"namespace\":\"shop\"}}", R),
    ]);
}

#[test]
fn s_sensitive_read_of_values_rights_and_protected_logs() {
    table(&[
        ("get configmap settings -n shop", S),
        ("get configmaps -A", S),
        ("get secret db -n shop", S),
        ("get secrets -A", S),
        ("get secrets -n shop -w", S),
        ("logs coredns-1 -n kube-system", S),
        ("logs prometheus-0 -n monitoring", S),
        ("get roles -n shop", S),
        ("get rolebindings -n shop", S),
        ("get clusterroles", S),
        ("get clusterrolebinding cluster-admin", S),
        ("get csr", S),
        ("GET /apis/authorization.openshift.io/v1/namespaces/shop/rolebindings", S),
        ("GET /apis/oauth.openshift.io/v1/oauthaccesstokens", S),
        ("POST /apis/authorization.k8s.io/v1/subjectaccessreviews {\"spec\":{\"user\":\"bob\"}}", S),
        ("POST /apis/authorization.k8s.io/v1/namespaces/shop/localsubjectaccessreviews {\"spec\":{}}", S),
        ("POST /apis/authentication.k8s.io/v1/tokenreviews {\"spec\":{}}", S),
    ]);
    with_live(&[
        ("logs web-1 -n shop", json!({"metadata": {"labels": {"tier": "prod"}}}), S),
        ("logs web-1 -n shop", json!({"metadata": {"labels": {"tier": "test"}}}), R),
    ]);
}

#[test]
fn w_scale_within_bounds() {
    table(&[
        ("scale deployment/web --replicas=3 -n shop", W),
        ("scale sts db --replicas 5 -n shop", W),
        ("scale rs web-1 --replicas=100 -n shop", W),
        ("patch deployment web -n shop -p {\"spec\":{\"replicas\":2}}", W),
        (
            "patch deployment web -n shop --type json -p [{\"op\":\"replace\",\"path\":\"/spec/replicas\",\"value\":2}]",
            W,
        ),
        ("scale deployment/web --replicas=0 -n shop", D),
        ("scale deployment/web --replicas=101 -n shop", D),
        ("scale deployment/web --replicas=-1 -n shop", D),
        ("patch deployment web -n shop -p {\"spec\":{\"replicas\":0}}", D),
        ("patch deployment web -n shop -p {\"spec\":{\"replicas\":null}}", D),
        ("patch deployment web -n shop -p {\"spec\":{\"replicas\":\"3\"}}", D),
        ("scale rollouts.argoproj.io/web --replicas=3 -n shop", D),
        ("scale deployment/coredns --replicas=3 -n kube-system", D),
        ("scale deployment/prometheus --replicas=3 -n monitoring", D),
    ]);
    let deletes = json!({"spec": {"replicas": 3, "persistentVolumeClaimRetentionPolicy": {"whenScaled": "Delete"}}});
    with_live(&[
        ("scale sts db --replicas=2 -n shop", json!({"spec": {"replicas": 3}}), W),
        ("scale sts db --replicas=2 -n shop", deletes.clone(), D),
        ("scale sts db --replicas=4 -n shop", deletes, W),
        ("scale deployment/web --replicas=2 -n shop", json!({"metadata": {"labels": {"tier": "prod"}}}), D),
    ]);
}

#[test]
fn w_rollout_restart_pause_and_undo() {
    table(&[
        ("rollout restart deployment/web -n shop", W),
        ("rollout restart ds/agent -n shop", W),
        ("rollout restart sts/db -n shop", W),
        ("rollout pause deployment/web -n shop", W),
        ("rollout resume deployment/web -n shop", W),
        ("rollout undo deployment/web -n shop", W),
        ("rollout undo sts/db -n shop --to-revision=2", W),
        ("rollout restart deployment/coredns -n kube-system", D),
        ("rollout restart jobs.batch/x -n shop", D),
        (
            "patch deployment web -n shop -p {\"spec\":{\"template\":{\"metadata\":{\"annotations\":{\"other\":\"1\"}}}}}",
            D,
        ),
        (
            "patch deployment web -n shop --type json -p [{\"op\":\"replace\",\"path\":\"/spec/template\",\"value\":{}}]",
            D,
        ),
    ]);
}

#[test]
fn w_undo_only_to_a_revision_of_its_own() {
    let template = |image: &str| json!({"metadata": {"labels": {"app": "web"}}, "spec": {"containers": [{"name": "c", "image": image}]}});
    let revision = |owner: &str, image: &str| {
        let mut template = template(image);
        template["metadata"]["labels"]["pod-template-hash"] = json!("abc");
        json!({"metadata": {"ownerReferences": [{"uid": owner}]}, "spec": {"template": template}})
    };
    let live = json!({"metadata": {"uid": "u1"}, "spec": {"template": template("other/web:2")}});
    let after = json!({"metadata": {"uid": "u1"}, "spec": {"template": template("web:1")}});
    let patch = json!([{"op": "replace", "path": "/spec/template", "value": template("web:1")}]);
    let text = format!("patch deployment web -n shop --type json -p {patch}");
    for (revisions, after, expected) in [
        (vec![revision("u1", "web:1")], None, W),
        (vec![revision("u1", "web:1")], Some(&after), W),
        (vec![revision("u2", "web:1")], Some(&after), D),
        (vec![revision("u1", "web:3")], Some(&after), D),
        (vec![], Some(&after), D),
    ] {
        let found = class_of(&text, &Seen { live: Some(&live), after, revisions: &revisions });
        assert_eq!(found.class, expected, "{revisions:?}: {:?}", found.why);
    }
}

#[test]
fn w_image_from_an_allowed_registry() {
    table(&[
        ("set image deployment/web app=registry.example.com/web:2 -n shop", W),
        ("set image cronjob/sync app=registry.example.com/sync:2 -n shop", W),
        ("set image deployment/web app=docker.io/evil/web:2 -n shop", D),
        ("set image deployment/web app=registry.example.com.evil.net/web:2 -n shop", D),
        ("set image pod/web app=registry.example.com/web:2 -n shop", D),
        ("set env deployment/web A=b -n shop", D),
    ]);
    let live = json!({"spec": {"template": {"spec": {"containers": [{"name": "app", "image": "shop/web:1"}, {"name": "side", "image": "x"}]}}}});
    with_live(&[
        ("set image deployment/web app=shop/web:2 -n shop", live.clone(), W),
        ("set image deployment/web app=shop/other:2 -n shop", live.clone(), D),
        ("set image deployment/web new=shop/web:2 -n shop", live.clone(), D),
        (
            "patch deployment web -n shop --type merge -p {\"spec\":{\"template\":{\"spec\":{\"containers\":[{\"name\":\"app\",\"image\":\"shop/web:2\"}]}}}}",
            live.clone(),
            D,
        ),
        (
            "patch deployment web -n shop --type json -p [{\"op\":\"replace\",\"path\":\"/spec/template/spec/containers/0/image\",\"value\":\"shop/web:2\"}]",
            live.clone(),
            W,
        ),
        (
            "patch deployment web -n shop -p {\"spec\":{\"template\":{\"spec\":{\"containers\":[{\"name\":\"app\",\"image\":\"shop/web:2\",\"command\":[\"sh\"]}]}}}}",
            live,
            D,
        ),
    ]);
}

#[test]
fn w_bounds_of_an_autoscaler_cordon_suspend_and_marks() {
    table(&[
        ("patch hpa web -n shop -p {\"spec\":{\"maxReplicas\":20}}", W),
        ("patch hpa web -n shop -p {\"spec\":{\"minReplicas\":2,\"maxReplicas\":9}}", W),
        ("patch hpa web -n shop -p {\"spec\":{\"minReplicas\":0}}", D),
        ("patch hpa web -n shop -p {\"spec\":{\"maxReplicas\":1000}}", D),
        ("patch hpa web -n shop -p {\"spec\":{\"scaleTargetRef\":{\"name\":\"x\"}}}", D),
        ("cordon n1", W),
        ("uncordon n1", W),
        ("patch cronjob sync -n shop -p {\"spec\":{\"suspend\":true}}", W),
        ("patch cronjob sync -n shop -p {\"spec\":{\"schedule\":\"* * * * *\"}}", D),
        ("patch job sync -n shop -p {\"spec\":{\"suspend\":true}}", D),
        ("label deployment web team=shop -n shop", W),
        ("label pod web-1 team- -n shop", W),
        ("annotate service web note=x -n shop", W),
        ("annotate deployment web kubernetes.io/change-cause=fix -n shop", W),
        ("label node n1 disk=ssd", W),
        ("label node n1 topology.kubernetes.io/zone=b", D),
        ("label namespace shop pod-security.kubernetes.io/enforce=privileged", D),
        ("annotate ingress web nginx.ingress.kubernetes.io/server-snippet=x -n shop", D),
        ("annotate service web service.beta.kubernetes.io/aws-load-balancer-internal=false -n shop", D),
        ("label backup.example.com/b team=x -n shop", D),
        ("patch deployment web -n shop -p {\"metadata\":{\"labels\":null}}", D),
    ]);
}

#[test]
fn w_delete_of_a_pod_that_its_controller_makes_again() {
    let owned = |kind: &str| json!({"metadata": {"ownerReferences": [{"kind": kind, "controller": true, "uid": "u"}]}});
    with_live(&[
        ("delete pod web-1 -n shop", owned("ReplicaSet"), W),
        ("delete pod db-0 -n shop", owned("StatefulSet"), W),
        ("delete pod agent-x -n shop", owned("DaemonSet"), W),
        ("delete pod web-1 -n shop", owned("Node"), D),
        ("delete pod web-1 -n shop", json!({"metadata": {"ownerReferences": [{"kind": "ReplicaSet"}]}}), D),
        ("delete pod web-1 -n shop", json!({"metadata": {}}), D),
        ("delete pod web-1 -n shop --grace-period=0 --force", owned("ReplicaSet"), D),
        ("delete pod coredns-1 -n kube-system", owned("ReplicaSet"), D),
        ("delete service web -n shop", owned("ReplicaSet"), D),
    ]);
    table(&[("delete pod web-1 -n shop", D)]);
}

#[test]
fn d_destructive_or_hard_to_undo() {
    table(&[
        ("delete deployment web -n shop", D),
        ("delete service web -n shop", D),
        ("delete configmap settings -n shop", D),
        ("delete pvc data-0 -n shop", D),
        ("delete namespace shop", D),
        ("delete job sync -n shop", D),
        ("delete backup.example.com b -n shop", D),
        ("drain n1", D),
        ("evict web-1 -n shop", D),
        ("patch pdb web -n shop -p {\"spec\":{\"minAvailable\":0}}", D),
        ("delete pdb web -n shop", D),
        ("delete networkpolicy web -n shop", D),
        ("patch netpol web -n shop -p {\"spec\":{\"ingress\":[{}]}}", D),
        ("patch ingress web -n shop -p {\"spec\":{\"rules\":[]}}", D),
        ("patch service web -n shop -p {\"spec\":{\"selector\":{\"app\":\"x\"}}}", D),
        ("create role x -n shop -p {\"rules\":[{\"verbs\":[\"get\"],\"resources\":[\"pods\"]}]}", D),
        ("taint node n1 a=b:NoExecute", D),
        ("taint node n1 a=b:NoSchedule", D),
        ("patch secret db -n shop -p {\"stringData\":{\"a\":\"b\"}}", D),
        ("create secret db -n shop", D),
        ("patch sts db -n shop -p {\"spec\":{\"volumeClaimTemplates\":[]}}", D),
        ("patch pvc data-0 -n shop -p {\"spec\":{\"resources\":{\"requests\":{\"storage\":\"20Gi\"}}}}", D),
        ("patch crd backups.example.com -p {\"spec\":{\"scope\":\"Cluster\"}}", D),
        ("create deployment web -n shop", D),
        ("expose deployment web -n shop", D),
        ("autoscale deployment web --min=1 --max=3 -n shop", D),
        ("apply deployment/web -n shop", D),
        ("replace deployment/web -n shop", D),
        ("create backup.example.com b -n shop", D),
        ("patch deployment web -n shop -p {\"spec\":{\"unknown\":1}}", D),
        ("patch configmap settings -n shop -p {\"data\":{\"a\":\"b\"}}", D),
        ("PATCH /api/v1/namespaces/shop/pods/web/resize {\"spec\":{}}", D),
        ("PUT /apis/apps/v1/namespaces/shop/deployments/web/status {\"status\":{}}", D),
        ("PATCH /apis/apps/v1/namespaces/shop/deployments/web?surprise=1 {\"spec\":{\"replicas\":3}}", D),
        ("POST /api/v1/namespaces/shop/pods/web/binding {\"target\":{}}", D),
    ]);
    let release = json!({"type": "helm.sh/release.v1"});
    with_live(&[("delete secret sh.helm.release.v1.web.v1 -n shop", release, D)]);
}

#[test]
fn d_apply_and_replace_are_reversible_only_as_far_as_the_dry_run_proves() {
    let object =
        |replicas: u64| json!({"metadata": {"name": "web", "labels": {"a": "b"}}, "spec": {"replicas": replicas}});
    let (live, after) = (object(2), object(3));
    let mut privileged = object(2);
    privileged["spec"]["template"] = json!({"spec": {"containers": [{"securityContext": {"privileged": true}}]}});
    let apply = format!("apply deployment/web -n shop -p {after}");
    let replace = format!("replace deployment/web -n shop -p {after}");
    for (text, live, after, expected) in [
        (&apply, Some(&live), Some(&after), W),
        (&apply, Some(&live), None, D),
        (&apply, None, None, D),
        (&replace, Some(&live), None, W),
        (&replace, None, None, D),
        (&apply, Some(&live), Some(&privileged), X),
        (&apply, Some(&live), Some(&object(0)), D),
    ] {
        let found = class_of(text, &Seen { live, after, revisions: &[] });
        assert_eq!(found.class, expected, "{text} {after:?}: {:?}", found.why);
    }
}

#[test]
fn x_channels_tokens_and_pods_made_on_purpose() {
    table(&[
        ("exec web-1 -n shop -- sh", X),
        ("attach web-1 -n shop", X),
        ("port-forward web-1 8080 -n shop", X),
        ("proxy n1", X),
        ("debug web-1 -n shop", X),
        ("cp web-1:/etc/passwd . -n shop", X),
        ("GET /api/v1/namespaces/shop/pods/web/exec?command=sh", X),
        ("GET /api/v1/namespaces/shop/pods/web/attach", X),
        ("GET /api/v1/namespaces/shop/pods/web/portforward", X),
        ("GET /api/v1/namespaces/shop/pods/web/proxy", X),
        ("GET /api/v1/namespaces/shop/services/web/proxy/admin", X),
        ("GET /api/v1/nodes/n1/proxy/run/shop/web/app", X),
        ("GET /api/v1/nodes/n1/proxy/stats/summary", X),
        ("POST /api/v1/nodes/n1/proxy/exec/shop/web/app {}", X),
        ("GET /api/v1/namespaces/shop/pods/web/ephemeralcontainers", X),
        ("PATCH /api/v1/namespaces/shop/pods/web/ephemeralcontainers {\"spec\":{}}", X),
        ("create token default -n shop", X),
        ("GET /apis/subresources.kubevirt.io/v1/namespaces/shop/virtualmachineinstances/v/console", X),
        ("GET /api/v1/namespaces/shop/pods/web/surprise", X),
        ("create pod x -n shop", X),
        ("run x --image=registry.example.com/web -n shop", X),
        ("create job x --from=cronjob/sync -n shop", X),
        ("create cronjob x -n shop", X),
        ("apply pod/x -n shop", X),
        ("apply cronjob/x -n shop", X),
        ("create deployment web -n shop -p {\"spec\":{\"template\":{\"spec\":{\"hostNetwork\":true}}}}", X),
        (
            "create ds x -n shop -p {\"spec\":{\"template\":{\"spec\":{\"volumes\":[{\"name\":\"h\",\"hostPath\":{\"path\":\"/\"}}]}}}}",
            X,
        ),
        (
            "create deployment web -n shop -p {\"spec\":{\"template\":{\"spec\":{\"containers\":[{\"securityContext\":{\"privileged\":true}}]}}}}",
            X,
        ),
        (
            "patch deployment web -n shop -p {\"spec\":{\"template\":{\"spec\":{\"containers\":[{\"name\":\"a\",\"securityContext\":{\"capabilities\":{\"add\":[\"SYS_ADMIN\"]}}}]}}}}",
            X,
        ),
        ("patch deployment web -n shop -p {\"spec\":{\"template\":{\"spec\":{\"hostPID\":true}}}}", X),
        (
            "patch deployment web -n shop --type json -p [{\"op\":\"add\",\"path\":\"/spec/template/spec/hostNetwork\",\"value\":true}]",
            X,
        ),
    ]);
}

#[test]
fn n_never_through_us() {
    table(&[
        ("delete pods --all -n shop", N),
        ("delete deployments -l app=web -n shop", N),
        ("DELETE /api/v1/namespaces/shop/configmaps", N),
        ("create validatingwebhookconfiguration x", N),
        ("delete mutatingwebhookconfiguration x", N),
        ("patch validatingadmissionpolicy x -p {\"spec\":{}}", N),
        ("delete clusterpolicies.kyverno.io/x", N),
        ("create apiservice v1.example.com", N),
        ("delete apiservice v1.apps", N),
        ("PUT /api/v1/namespaces/shop/finalize {\"spec\":{\"finalizers\":[]}}", N),
        ("patch pvc data -n shop --type merge -p {\"metadata\":{\"finalizers\":null}}", N),
        ("patch namespace shop --type merge -p {\"spec\":{\"finalizers\":[]}}", N),
        ("patch pvc data -n shop --type json -p [{\"op\":\"remove\",\"path\":\"/metadata/finalizers/0\"}]", N),
        ("patch pvc data -n shop --type json -p [{\"op\":\"remove\",\"path\":\"/metadata/finalizers\"}]", N),
        ("delete namespace kube-system", N),
        ("delete namespace monitoring", N),
        ("delete crd backups.example.com", N),
        ("delete pv pv-1", N),
        ("delete node n1", N),
        ("certificate approve csr-1", N),
        ("PUT /apis/certificates.k8s.io/v1/certificatesigningrequests/x/status {\"status\":{}}", N),
        ("scale deployment/midwatch --replicas=2 -n midwatch", N),
        ("delete pod midwatch-0 -n midwatch", N),
        ("patch configmap policy -n midwatch -p {\"data\":{}}", N),
        ("delete namespace midwatch", N),
        ("patch clusterrole midwatch-reader -p {\"rules\":[]}", N),
        ("delete clusterrolebinding midwatch", N),
        ("label deployment web midwatch.dev/freeze- -n shop", N),
        ("annotate deployment web midwatch.dev/freeze=false -n shop", N),
        ("create role x -n shop -p {\"rules\":[{\"verbs\":[\"escalate\"],\"resources\":[\"roles\"]}]}", N),
        ("create clusterrole x -p {\"rules\":[{\"verbs\":[\"bind\"]}]}", N),
        ("create clusterrole x -p {\"rules\":[{\"verbs\":[\"impersonate\"],\"resources\":[\"users\"]}]}", N),
        ("create clusterrole x -p {\"rules\":[{\"verbs\":[\"*\"],\"resources\":[\"*\"]}]}", N),
        ("create clusterrolebinding x -p {\"roleRef\":{\"name\":\"cluster-admin\"}}", N),
        (
            "create rolebinding x -n shop -p {\"subjects\":[{\"kind\":\"ServiceAccount\",\"namespace\":\"midwatch\",\"name\":\"m\"}]}",
            N,
        ),
        ("apply deployment/web -n shop --force-conflicts", N),
    ]);
    let by = |manager: &str| json!({"metadata": {"managedFields": [{"manager": manager}], "finalizers": ["a", "b"]}, "spec": {}});
    let claimed = |namespace: &str| json!({"spec": {"claimRef": {"namespace": namespace}}});
    with_live(&[
        ("apply deployment/web -n shop --force-conflicts", by("argocd-controller"), N),
        ("apply deployment/web -n shop --force-conflicts", by("kustomize-controller"), N),
        ("apply deployment/web -n shop --force-conflicts", by("kubectl-edit"), D),
        ("patch pvc data -n shop --type merge -p {\"metadata\":{\"finalizers\":[\"a\"]}}", by("x"), N),
        ("patch pvc data -n shop --type merge -p {\"metadata\":{\"finalizers\":[\"a\",\"b\",\"c\"]}}", by("x"), D),
        ("delete pv pv-1", claimed("kube-system"), N),
        ("delete pv pv-1", claimed("shop"), D),
        ("delete namespace shop", json!({"metadata": {"labels": {"tier": "prod"}}}), N),
        (
            "scale deployment/m --replicas=2 -n tools",
            json!({"metadata": {"labels": {"app.kubernetes.io/name": "midwatch"}}}),
            N,
        ),
    ]);
}

#[test]
fn the_largest_class_wins_and_aliases_agree() {
    let both = class_of("delete pods --all -n kube-system", &Seen::default());
    assert_eq!(both.class, N);
    for (one, other) in [
        (
            "PATCH /apis/apps/v1/namespaces/shop/deployments/web {\"spec\":{\"replicas\":3}}",
            "PATCH /apis/extensions/v1beta1/namespaces/shop/deployments/web {\"spec\":{\"replicas\":3}}",
        ),
        (
            "PATCH /apis/autoscaling/v2/namespaces/shop/horizontalpodautoscalers/web {\"spec\":{\"maxReplicas\":3}}",
            "PATCH /apis/autoscaling/v1/namespaces/shop/horizontalpodautoscalers/web {\"spec\":{\"maxReplicas\":3}}",
        ),
        (
            "DELETE /apis/networking.k8s.io/v1/namespaces/shop/ingresses/web",
            "DELETE /apis/extensions/v1beta1/namespaces/shop/ingresses/web",
        ),
        ("GET /api/v1/namespaces/shop/events", "GET /apis/events.k8s.io/v1/namespaces/shop/events"),
        ("GET /apis/rbac.authorization.k8s.io/v1/clusterroles", "GET /apis/authorization.openshift.io/v1/clusterroles"),
        (
            "PATCH /apis/apps/v1/namespaces/shop/deployments/web/scale {\"spec\":{\"replicas\":3}}",
            "PUT /apis/apps/v1/namespaces/shop/deployments/web/scale {\"spec\":{\"replicas\":3}}",
        ),
    ] {
        assert_eq!(class_of(one, &Seen::default()), class_of(other, &Seen::default()), "{one}");
    }
}

#[test]
fn a_dry_run_has_the_class_of_what_it_tries() {
    for text in ["delete deployment web -n shop", "scale deployment/web --replicas=3 -n shop", "create pod x -n shop"] {
        let request = spoken::read(text).unwrap().request;
        assert_eq!(classify(&request.as_dry_run(), None, None), classify(&request, None, None), "{text}");
    }
}

#[test]
fn nothing_is_too_odd_to_be_put_into_a_class() {
    let odd = Request { verb: Verb::Patch, body: Some(json!("text")), ..Request::default() };
    assert_eq!(classify(&odd, None, None).class, D);
    assert_eq!(classify(&Request::default(), Some(&json!([])), Some(&json!(1))).class, R);
}
