//! What a diagnosis cannot see without a kind.

/// In Chinese and English.
pub fn without(kind: &str) -> (&'static str, &'static str) {
    match kind {
        "Pod" => ("几乎所有原因都无法判断", "almost nothing can be diagnosed"),
        "Event" => ("调度、挂载、拉取镜像失败的原因看不到", "the reasons of failed scheduling, mounts and image pulls"),
        "Deployment" | "ReplicaSet" | "StatefulSet" | "DaemonSet" | "ReplicationController" | "ControllerRevision" => (
            "发布卡住、副本不足，以及应修改哪个控制器",
            "stuck rollouts, missing replicas, which controller has to change",
        ),
        "Job" | "CronJob" => ("失败、超时或暂停的任务", "failed, late and suspended jobs"),
        "Service" | "EndpointSlice" => ("选择器、端口和依赖的问题", "selectors, ports, dependencies"),
        "Ingress" | "IngressClass" => ("入口的后端、证书和类", "backends, certificates and classes of ingresses"),
        "NetworkPolicy" => ("被网络策略阻断的访问", "connections that a network policy blocks"),
        "PersistentVolumeClaim"
        | "PersistentVolume"
        | "StorageClass"
        | "CSIDriver"
        | "CSINode"
        | "VolumeAttachment" => ("卷为何无法创建、绑定、挂载", "why a volume is not made, bound or attached"),
        "ConfigMap" => {
            ("缺失的 ConfigMap 和键，以及其中写明的依赖", "missing config maps and keys, dependencies named in them")
        }
        "Secret" => ("缺失的 Secret 和键（值从不读取）", "missing secrets and keys (values are never read)"),
        "ServiceAccount" | "Role" | "RoleBinding" | "ClusterRole" | "ClusterRoleBinding" => {
            ("账号和权限的问题", "accounts and rights")
        }
        "ResourceQuota" | "LimitRange" => ("配额和限制范围", "quotas and limit ranges"),
        "HorizontalPodAutoscaler" => ("自动伸缩的问题", "autoscalers"),
        "PodDisruptionBudget" => ("阻止驱逐的中断预算", "budgets that block evictions"),
        "Node" | "Lease" => ("节点状态、压力、污点和心跳", "conditions, pressure, taints and heartbeats of nodes"),
        "Namespace" => ("卡在删除中的命名空间", "namespaces that do not end"),
        "PriorityClass" | "RuntimeClass" => ("缺失的优先级类或运行时类", "missing priority and runtime classes"),
        "ValidatingWebhookConfiguration" | "MutatingWebhookConfiguration" => {
            ("拒绝请求或不可达的准入 webhook", "admission webhooks that refuse or do not answer")
        }
        "APIService" | "CustomResourceDefinition" => ("不可用的 API", "APIs that do not answer or are gone"),
        "HelmRelease" | "Kustomization" | "Application" => ("GitOps 发布失败的原因", "why a GitOps release failed"),
        "Certificate" => ("cert-manager 证书的状态", "the state of cert-manager's certificates"),
        "CertificateSigningRequest" => ("未批准的证书请求", "certificate requests that wait"),
        _ => ("与其相关的原因", "causes that have to do with it"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_that_is_read_has_its_own_words() {
        let fallback = without("");
        for kind in diagnose::kinds::KINDS {
            assert_ne!(without(kind.name), fallback, "{}", kind.name);
        }
    }
}
