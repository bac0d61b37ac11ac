//! Many ways to say the same.

use diagnose::{Lang, ObjectRef};

use super::known::{About, Before, Entry, Known, settled};
use super::order::{Lack, Order};
use super::question::{Intent, read};

fn known() -> Known {
    let entry = |kind: &str, namespace: &str, name: &str, owner: Option<&str>, troubled: bool| Entry {
        object: ObjectRef::new(kind, namespace, name),
        owner: owner.map(str::to_owned),
        troubled,
    };
    Known {
        namespaces: ["default", "shop", "pay", "kube-system"].map(str::to_owned).to_vec(),
        objects: vec![
            entry("Deployment", "shop", "cart", None, true),
            entry("Service", "shop", "cart", None, false),
            entry("ReplicaSet", "shop", "cart-7d9f", Some("cart"), true),
            entry("Pod", "shop", "cart-7d9f-abcde", Some("cart"), false),
            entry("Pod", "shop", "cart-7d9f-xyz12", Some("cart"), true),
            entry("StatefulSet", "shop", "orders-db", None, false),
            entry("PersistentVolumeClaim", "shop", "data-orders-db-0", None, true),
            entry("Deployment", "pay", "gateway", None, false),
            entry("Deployment", "shop", "gateway", None, false),
            entry("Node", "", "node-1", None, false),
            entry("ConfigMap", "shop", "old", None, false),
        ],
    }
}

fn about(text: &str) -> About {
    known().about(&read(text), &Before::default())
}

fn intent(text: &str) -> Intent {
    settled(&read(text), &about(text))
}

fn object(kind: &str, namespace: &str, name: &str) -> About {
    About::Object(ObjectRef::new(kind, namespace, name))
}

fn logs() -> Intent {
    Intent::Logs { previous: false }
}

/// What is wished and about which object, in the words of people who have read no manual.
#[test]
fn questions_about_one_object() {
    let cart = || object("Deployment", "shop", "cart");
    let db = || object("StatefulSet", "shop", "orders-db");
    let rows: Vec<(&str, Intent, About)> = vec![
        ("why is shop/cart not ready", Intent::Diagnose, cart()),
        ("why is shop/cart not ready?", Intent::Diagnose, cart()),
        ("Why isn't cart in shop ready?", Intent::Diagnose, cart()),
        ("what's wrong with cart in namespace shop", Intent::Diagnose, cart()),
        ("cart is broken", Intent::Diagnose, cart()),
        ("is deployment cart healthy", Intent::Diagnose, cart()),
        ("is shop/cart ok", Intent::Diagnose, cart()),
        ("deploy/cart -n shop", Intent::Diagnose, cart()),
        ("shop/cart", Intent::Diagnose, cart()),
        ("diagnose shop/deployment/cart", Intent::Diagnose, cart()),
        ("cart keeps crashing, why?", Intent::Diagnose, cart()),
        ("why does cart restart all the time", Intent::Diagnose, cart()),
        ("shop 命名空间里 cart 为什么起不来", Intent::Diagnose, cart()),
        ("为什么shop/cart起不来", Intent::Diagnose, cart()),
        ("shop/cart 怎么了？", Intent::Diagnose, cart()),
        ("cart 挂了，帮我看看", Intent::Diagnose, cart()),
        ("命名空间 shop 的 cart 一直重启", Intent::Diagnose, cart()),
        ("cart 不停重启是什么原因", Intent::Diagnose, cart()),
        ("排查一下 shop 里的 cart", Intent::Diagnose, cart()),
        ("orders-db 正常吗", Intent::Diagnose, db()),
        ("sts/orders-db status", Intent::Diagnose, db()),
        (
            "pvc data-orders-db-0 is pending",
            Intent::Diagnose,
            object("PersistentVolumeClaim", "shop", "data-orders-db-0"),
        ),
        ("pod cart-7d9f-xyz12 报错", Intent::Diagnose, object("Pod", "shop", "cart-7d9f-xyz12")),
        ("why is a pod of cart failing", Intent::Diagnose, object("Pod", "shop", "cart-7d9f-xyz12")),
        ("is node node-1 healthy", Intent::Diagnose, object("Node", "", "node-1")),
        ("节点 node-1 怎么样", Intent::Diagnose, object("Node", "", "node-1")),
        ("logs of cart", logs(), cart()),
        ("show me the logs of shop/cart", logs(), cart()),
        ("kubectl logs deploy/cart -n shop", logs(), cart()),
        ("cart 的日志", logs(), cart()),
        ("看下 shop/cart 上次的日志", Intent::Logs { previous: true }, cart()),
        ("previous logs of cart", Intent::Logs { previous: true }, cart()),
        ("events of shop/cart", Intent::Events, cart()),
        ("shop/cart 有什么事件", Intent::Events, cart()),
        ("describe deployment cart", Intent::Show, cart()),
        ("show shop/cart", Intent::Show, cart()),
        ("查看 cart", Intent::Show, cart()),
        ("what changed in shop/cart in the last 30 minutes", Intent::Changes, cart()),
    ];
    for (text, intent, wanted) in rows {
        assert_eq!(read(text).intent, intent, "{text}");
        assert_eq!(about(text), wanted, "{text}");
    }
}

#[test]
fn questions_about_more_than_one_object() {
    let shop = || About::Namespace("shop".to_owned());
    let rows: Vec<(&str, Intent, About)> = vec![
        ("what is wrong in shop", Intent::Diagnose, shop()),
        ("what's wrong in namespace shop?", Intent::Diagnose, shop()),
        ("shop 有什么问题", Intent::Diagnose, shop()),
        ("shop命名空间怎么了", Intent::Diagnose, shop()),
        ("anything wrong in the cluster?", Intent::Diagnose, About::Cluster),
        ("is everything ok", Intent::Diagnose, About::Cluster),
        ("集群有什么问题", Intent::Diagnose, About::Cluster),
        ("集群健康吗", Intent::Diagnose, About::Cluster),
        ("how many pods are in shop", Intent::Count, shop()),
        ("how many pods", Intent::Count, About::Cluster),
        ("shop 里有多少个 pod", Intent::Count, shop()),
        ("有几个节点", Intent::Count, About::Cluster),
        ("how many nodes do we have", Intent::Count, About::Cluster),
        ("list deployments in shop", Intent::List, shop()),
        ("show pods -n shop", Intent::List, shop()),
        ("kubectl get pods -n shop", Intent::List, shop()),
        ("shop 里有哪些 pod", Intent::List, shop()),
        ("which pods are not ready", Intent::List, About::Cluster),
        ("哪些 pod 异常", Intent::List, About::Cluster),
        ("列出所有命名空间", Intent::List, About::Cluster),
        ("list namespaces", Intent::List, About::Cluster),
        ("events in shop", Intent::Events, shop()),
        ("shop 最近的事件", Intent::Events, shop()),
        ("what changed in shop", Intent::Changes, shop()),
        ("shop 最近一小时改了什么", Intent::Changes, shop()),
        ("are there any alerts firing", Intent::Alerts, About::Cluster),
        ("现在有什么告警", Intent::Alerts, About::Cluster),
        ("which pods use the most memory usage in shop", Intent::Usage, shop()),
        ("help", Intent::Help, About::Cluster),
        ("你能做什么", Intent::Help, About::Cluster),
    ];
    for (text, intent, wanted) in rows {
        assert_eq!(self::intent(text), intent, "{text}");
        assert_eq!(about(text), wanted, "{text}");
    }
}

#[test]
fn who_can_do_what() {
    let who =
        |verb: &str, resource: &str| Intent::WhoCan { verb: verb.to_owned(), resource: Some(resource.to_owned()) };
    let rows = [
        ("who can delete pods in shop", who("delete", "pods")),
        ("who can read secrets in shop", who("get", "secrets")),
        ("who may exec into pods of shop", who("create", "pods/exec")),
        ("谁能删除 shop 里的 pod", who("delete", "pods")),
        ("谁可以修改 deployment", who("update", "deployments")),
        ("谁有权限查看 secret", who("get", "secrets")),
    ];
    for (text, intent) in rows {
        assert_eq!(read(text).intent, intent, "{text}");
    }
}

#[test]
fn orders() {
    let cart = || object("Deployment", "shop", "cart");
    let rows: Vec<(&str, Order, About)> = vec![
        ("scale shop/cart to 5", Order::Scale(5), cart()),
        ("please scale cart in shop to 5 replicas", Order::Scale(5), cart()),
        ("can you scale deployment cart to 3?", Order::Scale(3), cart()),
        ("set replicas of shop/cart to 0", Order::Scale(0), cart()),
        ("kubectl scale deploy/cart --replicas=4 -n shop", Order::Scale(4), cart()),
        ("把 shop/cart 扩到 5 个副本", Order::Scale(5), cart()),
        ("把shop/cart扩到5个副本", Order::Scale(5), cart()),
        ("cart 缩容到 1", Order::Scale(1), cart()),
        ("帮我把 cart 的副本数改成三个", Order::Scale(3), cart()),
        ("将 shop 命名空间的 cart 扩容到五个副本", Order::Scale(5), cart()),
        ("restart shop/cart", Order::Restart, cart()),
        ("kubectl rollout restart deployment/cart -n shop", Order::Restart, cart()),
        ("重启 shop/cart", Order::Restart, cart()),
        ("请把 cart 重启一下", Order::Restart, cart()),
        ("delete pod cart-7d9f-xyz12", Order::Delete, object("Pod", "shop", "cart-7d9f-xyz12")),
        ("删除 pod cart-7d9f-xyz12", Order::Delete, object("Pod", "shop", "cart-7d9f-xyz12")),
        ("delete configmap old in shop", Order::Delete, object("ConfigMap", "shop", "old")),
        ("roll back shop/cart", Order::RollBack(None), cart()),
        ("rollback cart to revision 2", Order::RollBack(Some(2)), cart()),
        ("把 cart 回滚到上一个版本", Order::RollBack(None), cart()),
        ("undo", Order::Undo(None), About::Cluster),
        ("undo that", Order::Undo(None), About::Cluster),
        ("撤销", Order::Undo(None), About::Cluster),
        ("set image of shop/cart to nginx:1.27", Order::Image("nginx:1.27".to_owned()), cart()),
        (
            "把 cart 的镜像换成 registry.example.com/cart:2",
            Order::Image("registry.example.com/cart:2".to_owned()),
            cart(),
        ),
        (
            "expand pvc data-orders-db-0 to 20Gi",
            Order::Expand("20Gi".to_owned()),
            object("PersistentVolumeClaim", "shop", "data-orders-db-0"),
        ),
        (
            "把 data-orders-db-0 扩容到 20G",
            Order::Expand("20Gi".to_owned()),
            object("PersistentVolumeClaim", "shop", "data-orders-db-0"),
        ),
        ("cordon node-1", Order::Cordon(true), object("Node", "", "node-1")),
        ("恢复调度 node-1", Order::Cordon(false), object("Node", "", "node-1")),
        ("pause rollout of cart", Order::Pause, cart()),
    ];
    for (text, order, wanted) in rows {
        assert_eq!(read(text).intent, Intent::Order(order), "{text}");
        assert_eq!(about(text), wanted, "{text}");
    }
    assert_eq!(read("scale shop/cart").intent, Intent::Incomplete(Lack::Replicas));
    assert_eq!(read("给 cart 扩容").intent, Intent::Incomplete(Lack::Replicas));
}

/// A question with an order's verb in it changes nothing.
#[test]
fn a_question_is_no_order() {
    for text in [
        "how do I restart cart",
        "why did cart restart",
        "who can delete pods",
        "怎么重启 cart",
        "cart 重启了几次",
        "what does scale do",
        "why can't I delete pod cart-7d9f-xyz12",
        "cart 为什么被删除",
        "should I scale cart to 5",
        "can I delete the namespace shop",
        "如何回滚 cart",
        "cart 频繁重启",
    ] {
        assert!(
            !matches!(read(text).intent, Intent::Order(_) | Intent::Incomplete(_)),
            "{text}: {:?}",
            read(text).intent
        );
    }
}

#[test]
fn what_needs_a_model_is_said_to() {
    for text in [
        "write me a poem",
        "what is the meaning of life",
        "翻译成英文",
        "compare blue-green with canary releases for us please",
        "why is the sky blue",
    ] {
        assert_eq!(intent(text), Intent::Unclear, "{text}");
    }
}

#[test]
fn a_pasted_manifest_is_taken_whole() {
    let manifest = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: a\n---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: b}\n";
    assert_eq!(read(manifest).intent, Intent::Manifest(manifest.trim().to_owned()));
    let fenced = format!("```yaml\n{manifest}```");
    assert!(matches!(read(&fenced).intent, Intent::Manifest(_)));
    assert!(matches!(read(r#"{"apiVersion":"v1","kind":"Pod","metadata":{"name":"x"}}"#).intent, Intent::Manifest(_)));
    assert!(!matches!(read("what does apiVersion and kind mean").intent, Intent::Manifest(_)));
}

#[test]
fn near_names_are_offered_when_nothing_fits() {
    let near = |text: &str| match about(text) {
        About::Nothing { near, .. } => near,
        other => panic!("{text}: {other:?}"),
    };
    assert_eq!(near("why is shop/crat not ready")[0], "deployment shop/cart");
    assert_eq!(near("why is shp/cart not ready"), ["shop"]);
    assert_eq!(near("shop 里的 carts 怎么了")[0], "deployment shop/cart");
    assert!(near("why is zzzzzzzzzz failing").is_empty());
}

#[test]
fn one_name_in_two_namespaces_is_asked_back_unless_one_is_set() {
    assert!(matches!(about("why is gateway down"), About::Several(found) if found.len() == 2));
    let before = Before { namespace: Some("pay".to_owned()), object: None };
    assert_eq!(known().about(&read("why is gateway down"), &before), object("Deployment", "pay", "gateway"));
    // a name that is only elsewhere is found all the same
    assert_eq!(known().about(&read("why is cart down"), &before), object("Deployment", "shop", "cart"));
}

#[test]
fn a_follow_up_is_about_what_was_spoken_of() {
    let cart = ObjectRef::new("Deployment", "shop", "cart");
    let before = Before { namespace: None, object: Some(cart.clone()) };
    for text in
        ["show me its logs", "logs", "why?", "它的日志", "scale it to 3", "重启它", "events", "why is it failing"]
    {
        assert_eq!(known().about(&read(text), &before), About::Object(cart.clone()), "{text}");
    }
    assert_eq!(read("why?").intent, Intent::Diagnose);
    assert_eq!(known().about(&read("is everything ok in the cluster"), &before), About::Cluster);
    assert_eq!(known().pod_of(&cart), Some(ObjectRef::new("Pod", "shop", "cart-7d9f-xyz12")));
}

#[test]
fn language_and_spans_are_read() {
    assert_eq!(read("为什么 cart 挂了").lang, Lang::Zh);
    assert_eq!(read("why is cart down").lang, Lang::En);
    let minutes = |text: &str| read(text).minutes;
    assert_eq!(minutes("what changed in shop in the last 30 minutes"), Some(30));
    assert_eq!(minutes("what changed in shop in the last 2h"), Some(120));
    assert_eq!(minutes("shop 最近30分钟改了什么"), Some(30));
    assert_eq!(minutes("最近 2 天 shop 的变更"), Some(2880));
    assert_eq!(minutes("scale cart to 5"), None);
}
