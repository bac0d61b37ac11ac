//! The rights that an account needs in the cluster: the one list that `midwatch doctor`, the manifests in `deploy/` and
//! `docs/rights.md` are made of.

/// Which account holds a right.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Grant {
    /// the account that diagnoses
    Reader,
    /// the same account, where the values of config maps may be seen
    ConfigMaps,
    /// what may be done on behalf of a person who approved it, where the cluster can bound that
    Operator,
    /// nobody: what a diagnosis does without
    Withheld,
}

/// In Chinese and English.
pub type Words = (&'static str, &'static str);

#[derive(Debug)]
pub struct Right {
    pub grant: Grant,
    /// as kubectl names them: `pods`, `pods/log`, `deployments.apps`
    pub resources: &'static [&'static str],
    pub verbs: &'static [&'static str],
    /// what it is for; of one that is withheld, the reason
    pub why: Words,
    /// what is lost without it
    pub loss: Words,
}

impl Right {
    /// Each resource with each verb.
    pub fn pairs(&'static self) -> impl Iterator<Item = (&'static str, &'static str)> {
        self.resources.iter().flat_map(|name| self.verbs.iter().map(move |verb| (*name, *verb)))
    }
}

/// API group, resource and subresource of a name such as `deployments.apps/scale`.
pub fn parts(name: &str) -> (&str, &str, &str) {
    let (resource, subresource) = name.split_once('/').unwrap_or((name, ""));
    let (resource, group) = resource.split_once('.').unwrap_or((resource, ""));
    (group, resource, subresource)
}

pub fn of(grant: Grant) -> impl Iterator<Item = &'static Right> {
    RIGHTS.iter().filter(move |right| right.grant == grant)
}

const READ: &[&str] = &["get", "list"];
const CHANGE: &[&str] = &["patch", "update"];
const ASK: &[&str] = &["create"];

const fn reads(resources: &'static [&'static str], why: Words, loss: Words) -> Right {
    Right { grant: Grant::Reader, resources, verbs: READ, why, loss }
}

const fn operates(
    resources: &'static [&'static str],
    verbs: &'static [&'static str],
    why: Words,
    loss: Words,
) -> Right {
    Right { grant: Grant::Operator, resources, verbs, why, loss }
}

const fn withheld(
    resources: &'static [&'static str],
    verbs: &'static [&'static str],
    why: Words,
    loss: Words,
) -> Right {
    Right { grant: Grant::Withheld, resources, verbs, why, loss }
}

pub const RIGHTS: &[Right] = &[
    reads(
        &["pods"],
        ("容器的状态，以及 Pod 引用的一切", "the state of containers, and everything that a pod refers to"),
        ("几乎所有原因都无法判断", "almost nothing can be diagnosed"),
    ),
    Right {
        grant: Grant::Reader,
        resources: &["pods/log"],
        verbs: &["get"],
        why: ("崩溃前的最后几行", "the last lines before a crash"),
        loss: ("崩溃的原因和日志中点名的依赖", "reasons of crashes, and dependencies that a log names"),
    },
    reads(
        &["events"],
        ("调度器、kubelet 和存储驱动所说的原因", "what the scheduler, the kubelet and storage drivers say"),
        ("调度、挂载、拉取镜像失败的原因看不到", "the reasons of failed scheduling, mounts and image pulls"),
    ),
    reads(
        &[
            "deployments.apps",
            "replicasets.apps",
            "statefulsets.apps",
            "daemonsets.apps",
            "controllerrevisions.apps",
            "replicationcontrollers",
        ],
        ("Pod 由谁管理、发布到哪一步", "who owns a pod, and how far a rollout got"),
        (
            "发布卡住、副本不足，以及应修改哪个控制器",
            "stuck rollouts, missing replicas, which controller has to change",
        ),
    ),
    reads(
        &["jobs.batch", "cronjobs.batch"],
        ("任务的状态和计划", "the state and schedule of jobs"),
        ("失败、超时或暂停的任务", "failed, late and suspended jobs"),
    ),
    reads(
        &["services", "endpointslices.discovery.k8s.io"],
        ("服务背后有哪些 Pod", "which pods are behind a service"),
        ("选择器、端口和依赖的问题", "selectors, ports, dependencies"),
    ),
    reads(
        &["ingresses.networking.k8s.io", "ingressclasses.networking.k8s.io"],
        ("入口指向哪个服务", "which service an ingress leads to"),
        ("入口的后端、证书和类", "backends, certificates and classes of ingresses"),
    ),
    reads(
        &["networkpolicies.networking.k8s.io"],
        ("谁可以访问谁", "who may connect to whom"),
        ("被网络策略阻断的访问", "connections that a network policy blocks"),
    ),
    reads(
        &[
            "persistentvolumeclaims",
            "persistentvolumes",
            "storageclasses.storage.k8s.io",
            "csidrivers.storage.k8s.io",
            "csinodes.storage.k8s.io",
            "volumeattachments.storage.k8s.io",
        ],
        ("从 PVC 到磁盘的整条链路", "the whole way from a claim to its disk"),
        ("卷为何无法创建、绑定、挂载", "why a volume is not made, bound or attached"),
    ),
    reads(
        &["nodes", "leases.coordination.k8s.io"],
        ("节点的状况、余量和心跳", "conditions, room and heartbeats of nodes"),
        ("节点状态、压力、污点和心跳", "conditions, pressure, taints and heartbeats of nodes"),
    ),
    reads(
        &["namespaces"],
        ("命名空间是否存在、是否在删除", "whether a namespace exists, or is being deleted"),
        ("卡在删除中的命名空间", "namespaces that do not end"),
    ),
    reads(
        &["resourcequotas", "limitranges"],
        ("命名空间还能用多少", "what a namespace may still use"),
        ("配额和限制范围", "quotas and limit ranges"),
    ),
    reads(
        &["horizontalpodautoscalers.autoscaling"],
        ("谁在改副本数", "who changes the number of replicas"),
        ("自动伸缩的问题", "autoscalers"),
    ),
    reads(
        &["poddisruptionbudgets.policy"],
        ("能否驱逐", "whether pods may be evicted"),
        ("阻止驱逐的中断预算", "budgets that block evictions"),
    ),
    reads(
        &["priorityclasses.scheduling.k8s.io", "runtimeclasses.node.k8s.io"],
        ("Pod 点名的类是否存在", "whether the classes that a pod names exist"),
        ("缺失的优先级类或运行时类", "missing priority and runtime classes"),
    ),
    reads(
        &[
            "serviceaccounts",
            "roles.rbac.authorization.k8s.io",
            "rolebindings.rbac.authorization.k8s.io",
            "clusterroles.rbac.authorization.k8s.io",
            "clusterrolebindings.rbac.authorization.k8s.io",
        ],
        ("程序被拒绝时缺少哪条权限", "which right a program lacks that was refused"),
        ("账号和权限的问题", "accounts and rights"),
    ),
    reads(
        &[
            "validatingwebhookconfigurations.admissionregistration.k8s.io",
            "mutatingwebhookconfigurations.admissionregistration.k8s.io",
        ],
        ("谁在拒绝创建 Pod", "who refuses to let a pod be made"),
        ("拒绝请求或不可达的准入 webhook", "admission webhooks that refuse or do not answer"),
    ),
    reads(
        &["apiservices.apiregistration.k8s.io", "customresourcedefinitions.apiextensions.k8s.io"],
        ("API 由谁提供", "who serves an API"),
        ("不可用的 API", "APIs that do not answer or are gone"),
    ),
    reads(
        &["certificatesigningrequests.certificates.k8s.io"],
        ("节点为何没有证书", "why a node has no certificate"),
        ("未批准的证书请求", "certificate requests that wait"),
    ),
    reads(
        &[
            "helmreleases.helm.toolkit.fluxcd.io",
            "kustomizations.kustomize.toolkit.fluxcd.io",
            "applications.argoproj.io",
        ],
        (
            "Flux 和 Argo CD 对发布的说法；没有安装时不起作用",
            "what Flux and Argo CD say of a release; nothing where they are not installed",
        ),
        ("GitOps 发布失败的原因", "why a GitOps release failed"),
    ),
    reads(
        &["certificates.cert-manager.io"],
        (
            "cert-manager 对证书的说法；没有安装时不起作用",
            "what cert-manager says of a certificate; nothing where it is not installed",
        ),
        ("cert-manager 证书的状态", "the state of cert-manager's certificates"),
    ),
    reads(
        &["pods.metrics.k8s.io", "nodes.metrics.k8s.io"],
        (
            "`pods_top` 和 `nodes_top` 的用量；没有 metrics-server 时不起作用",
            "usage for `pods_top` and `nodes_top`; nothing where no metrics-server runs",
        ),
        ("当前的 CPU 和内存用量", "how much CPU and memory is used now"),
    ),
    Right {
        grant: Grant::ConfigMaps,
        resources: &["configmaps"],
        verbs: READ,
        why: ("缺少的键，以及配置中写明的依赖", "keys that are missing, and dependencies that a configuration names"),
        loss: (
            "缺失的键和相近的名字、配置中写明的依赖；不存在的 ConfigMap 仍由 kubelet 的消息点名",
            "missing keys, names that nearly match, dependencies named in a value; a config map that is not there is still named by the kubelet's message",
        ),
    },
    operates(
        &["deployments.apps", "statefulsets.apps", "daemonsets.apps", "cronjobs.batch", "jobs.batch"],
        CHANGE,
        ("重启、回滚、换镜像、暂停", "restart, undo, another image, suspend"),
        ("这些修改", "these changes"),
    ),
    operates(
        &["deployments.apps/scale", "statefulsets.apps/scale"],
        &["get", "patch", "update"],
        ("扩缩容", "scale"),
        ("扩缩容", "scaling"),
    ),
    operates(
        &["horizontalpodautoscalers.autoscaling"],
        CHANGE,
        ("修改自动伸缩的上下限", "other bounds of an autoscaler"),
        ("这些修改", "these changes"),
    ),
    operates(&["nodes"], CHANGE, ("停止或恢复调度（cordon）", "cordon and uncordon"), ("这些修改", "these changes")),
    operates(
        &["pods"],
        &["delete"],
        ("删除由控制器管理的 Pod", "delete a pod that a controller makes anew"),
        ("删除 Pod", "deleting a pod"),
    ),
    operates(
        &["selfsubjectaccessreviews.authorization.k8s.io"],
        ASK,
        ("执行之前询问此人是否有权", "ask whether the person may, before anything is tried"),
        ("事先检查；API server 的 403 仍然算数", "the check beforehand; the API server's 403 still holds"),
    ),
    withheld(
        &["secrets"],
        READ,
        (
            "值就是凭证；即使 Midwatch 丢弃值，账号也不应能读取",
            "the values are credentials: an account that cannot read them cannot lose them, whatever the program does",
        ),
        (
            "缺失的键、相近的名字、证书和拉取凭证是否合适、`helm_list`；不存在的 Secret 仍由 kubelet 的消息点名",
            "missing keys, names that nearly match, whether certificates and pull secrets fit, `helm_list`; a secret that is not there is still named by the kubelet's message",
        ),
    ),
    withheld(
        &["pods/exec", "pods/attach", "pods/portforward"],
        &["get", "create"],
        ("进入容器即等于拥有容器的一切", "whoever is inside a container has all that it has"),
        ("`pods_exec`", "`pods_exec`"),
    ),
    withheld(
        &["nodes/proxy"],
        &["get", "create"],
        (
            "即使只有 get，也能在节点的任何容器里执行命令",
            "even `get` alone runs commands in every container of the node",
        ),
        ("`nodes_log` 和 `nodes_stats_summary`", "`nodes_log` and `nodes_stats_summary`"),
    ),
    withheld(
        &["users", "groups"],
        &["impersonate"],
        (
            "不带 resourceNames 就等于任何人，包括 `system:masters`",
            "without resourceNames that is anybody, `system:masters` among them",
        ),
        ("没有：operator overlay 逐个点名", "nothing: the operator overlays name each person"),
    ),
    withheld(
        &["users.authentication.k8s.io", "groups.authentication.k8s.io"],
        &["impersonate:user-info"],
        ("同上", "the same"),
        ("没有：operator-constrained overlay 逐个点名", "nothing: the overlay operator-constrained names each person"),
    ),
    withheld(
        &["serviceaccounts/token"],
        ASK,
        ("令牌就是另一个账号", "a token is another account"),
        ("没有", "nothing"),
    ),
    withheld(
        &["pods", "deployments.apps", "jobs.batch", "clusterrolebindings.rbac.authorization.k8s.io"],
        &["create", "update", "patch", "delete"],
        ("账号只读；修改由批准它的人来做", "the account only reads; who approves a change makes it"),
        ("没有：修改以批准者的身份执行", "nothing: changes run as the person who approved them"),
    ),
];

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_kind_that_is_read_has_one_right() {
        let rights = [Grant::Reader, Grant::ConfigMaps, Grant::Withheld].map(|grant| of(grant).collect::<Vec<_>>());
        let readable: Vec<_> = rights
            .iter()
            .flatten()
            .filter(|right| right.verbs == READ)
            .flat_map(|right| right.resources)
            .map(|name| parts(name))
            .collect();
        let once: BTreeSet<_> = readable.iter().collect();
        assert_eq!(once.len(), readable.len(), "a resource stands there twice");
        for kind in diagnose::kinds::KINDS {
            let group = kind.api_version().split_once('/').map_or("", |(group, _)| group);
            assert!(once.contains(&(group, kind.plural, "")), "{}", kind.name);
        }
    }

    #[test]
    fn nobody_gets_what_is_withheld() {
        let forbidden = |name: &&str| {
            let (_, resource, subresource) = parts(name);
            resource == "secrets" || matches!(subresource, "exec" | "attach" | "portforward" | "proxy" | "token")
        };
        for grant in [Grant::Reader, Grant::ConfigMaps, Grant::Operator] {
            for right in of(grant) {
                assert!(!right.resources.iter().any(|name| forbidden(name) || name.contains('*')), "{right:?}");
            }
        }
        let writes = |right: &Right| right.verbs.iter().any(|verb| !matches!(*verb, "get" | "list"));
        assert!(!of(Grant::Reader).chain(of(Grant::ConfigMaps)).any(writes));
    }
}
