//! The closed list of what can be wrong: one line each, with its meaning in both languages. `docs/causes.md` is made of it.

/// Whether a class can be the end of an explanation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    Cause,
    /// only ever the sign of something else
    Symptom,
}

/// Whether a class is a fault wherever it is found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Weight {
    Fault,
    /// somebody may have meant it so: a cause only where it explains a fault, or where it was asked about
    Note,
}

impl serde::Serialize for Class {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

impl<'de> serde::Deserialize<'de> for Class {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = String::deserialize(deserializer)?;
        let class = Self::ALL.iter().find(|class| class.name() == name);
        class.copied().ok_or_else(|| serde::de::Error::custom(format!("no class is named `{name}`")))
    }
}

macro_rules! classes {
    ($($family:literal { $($variant:ident $name:literal $role:ident $weight:ident $zh:literal $en:literal;)* })*) => {
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Class { $($($variant,)*)* }

        impl Class {
            pub const ALL: &'static [Class] = &[$($(Class::$variant,)*)*];

            /// The name that scripts and cases use.
            pub fn name(self) -> &'static str {
                match self { $($(Class::$variant => $name,)*)* }
            }

            pub fn family(self) -> &'static str {
                match self { $($(Class::$variant => $family,)*)* }
            }

            pub fn role(self) -> Role {
                match self { $($(Class::$variant => Role::$role,)*)* }
            }

            pub fn weight(self) -> Weight {
                match self { $($(Class::$variant => Weight::$weight,)*)* }
            }

            /// What it means, in Chinese and in English.
            pub fn meaning(self) -> (&'static str, &'static str) {
                match self { $($(Class::$variant => ($zh, $en),)*)* }
            }
        }
    };
}

classes! {
    "Scheduling" {
        InsufficientCpu "insufficient_cpu" Cause Fault "节点可分配的 CPU 不够 Pod 的请求" "No node has as much CPU left as the pod requests";
        InsufficientMemory "insufficient_memory" Cause Fault "节点可分配的内存不够 Pod 的请求" "No node has as much memory left as the pod requests";
        InsufficientEphemeralStorage "insufficient_ephemeral_storage" Cause Fault "节点的临时存储不够 Pod 的请求" "No node has as much ephemeral storage left as the pod requests";
        InsufficientExtendedResource "insufficient_extended_resource" Cause Fault "没有节点能提供所请求的扩展资源（如 GPU）" "No node offers the extended resource (such as a GPU) that the pod requests";
        TooManyPods "too_many_pods" Cause Fault "节点的 Pod 数已达上限" "The nodes already hold as many pods as they may";
        NodeSelectorMismatch "node_selector_mismatch" Cause Fault "没有节点带有 nodeSelector 要求的标签" "No node carries the labels that nodeSelector asks for";
        NodeAffinityMismatch "node_affinity_mismatch" Cause Fault "没有节点满足节点亲和性规则" "No node satisfies the pod's node affinity";
        PodAffinityUnsatisfied "pod_affinity_unsatisfied" Cause Fault "没有节点满足 Pod 亲和性规则" "No node satisfies the pod's affinity to other pods";
        PodAntiAffinityConflict "pod_anti_affinity_conflict" Cause Fault "反亲和性规则排除了所有节点" "Anti-affinity rules exclude every node";
        TopologySpreadUnsatisfied "topology_spread_unsatisfied" Cause Fault "拓扑分布约束无法满足" "The topology spread constraints cannot be met";
        UntoleratedTaint "untolerated_taint" Cause Fault "Pod 不容忍节点上的污点" "The pod does not tolerate the taints of the nodes";
        VolumeZoneConflict "volume_zone_conflict" Cause Fault "卷所在的可用区没有可用节点" "The volume lives in a zone where the pod cannot run";
        HostPortConflict "host_port_conflict" Cause Fault "请求的主机端口在所有节点上都被占用" "The host port is taken on every node";
        SchedulingGated "scheduling_gated" Cause Fault "调度门（schedulingGates）尚未移除" "A scheduling gate has not been removed";
        Preempted "preempted" Cause Fault "Pod 被更高优先级的 Pod 抢占" "The pod was preempted by one of higher priority";
        NoNodes "no_nodes" Cause Fault "集群里没有可用节点" "The cluster has no node to run on";
        SchedulerNotFound "scheduler_not_found" Cause Fault "schedulerName 指定的调度器不存在" "The scheduler that the pod names does not run";
    }
    "Storage" {
        VolumeSizeBelowMinimum "volume_size_below_minimum" Cause Fault "申请的容量小于存储允许的最小值" "The claim asks for less than the smallest disk that the storage sells";
        VolumeSizeAboveMaximum "volume_size_above_maximum" Cause Fault "申请的容量大于存储允许的最大值" "The claim asks for more than the largest disk that the storage sells";
        StorageClassNotFound "storage_class_not_found" Cause Fault "引用的 StorageClass 不存在" "The storage class does not exist";
        NoDefaultStorageClass "no_default_storage_class" Cause Fault "未指定 StorageClass，集群也没有默认值" "The claim names no class and the cluster has no default";
        ProvisionerMissing "provisioner_missing" Cause Fault "没有运行中的供应器处理该 StorageClass" "No running provisioner serves the storage class";
        ProvisionerFailing "provisioner_failing" Cause Fault "供应器返回错误，卷无法创建" "The provisioner fails to make the volume";
        ProvisionerCredentialsInvalid "provisioner_credentials_invalid" Cause Fault "供应器访问云接口的凭证无效或权限不足" "The provisioner's credentials for the cloud are invalid or lack a right";
        StorageQuotaExceeded "storage_quota_exceeded" Cause Fault "云账号的磁盘配额已用完" "The cloud account's disk quota is used up";
        VolumeZoneUnavailable "volume_zone_unavailable" Cause Fault "该可用区没有这种磁盘或已售罄" "The zone has no such disk, or is sold out";
        AccessModeUnsupported "access_mode_unsupported" Cause Fault "存储不支持所申请的访问模式" "The storage cannot serve the access mode that is asked for";
        NoMatchingVolume "no_matching_volume" Cause Fault "没有可绑定的静态 PersistentVolume" "No static persistent volume fits the claim";
        ClaimNotFound "claim_not_found" Cause Fault "引用的 PersistentVolumeClaim 不存在" "The claim that the pod names does not exist";
        ClaimLost "claim_lost" Cause Fault "PVC 绑定的 PersistentVolume 已不存在" "The volume that the claim was bound to is gone";
        VolumeReleased "volume_released" Cause Fault "PersistentVolume 处于 Released，旧的 claimRef 阻止再次绑定" "The volume is Released and its old claimRef keeps it from being bound again";
        VolumeNodeAffinityConflict "volume_node_affinity_conflict" Cause Fault "卷只能在另一个节点上使用" "The volume can be used on another node only";
        VolumeMultiAttach "volume_multi_attach" Cause Fault "卷仍挂在另一个节点上" "The volume is still attached to another node";
        VolumeAttachFailed "volume_attach_failed" Cause Fault "卷无法挂接到节点" "The volume cannot be attached to the node";
        VolumeAttachLimit "volume_attach_limit" Cause Fault "节点可挂接的卷数已达上限" "The node cannot take another volume";
        VolumeMountFailed "volume_mount_failed" Cause Fault "卷无法在节点上挂载" "The volume cannot be mounted on the node";
        VolumeExpansionRefused "volume_expansion_refused" Cause Fault "存储拒绝扩容" "The storage refuses to expand the volume";
        VolumeReadOnly "volume_read_only" Cause Fault "卷是只读的，程序需要写入" "The volume is read-only and the program writes to it";
        VolumeFull "volume_full" Cause Fault "卷已写满" "The volume is full";
    }
    "Images" {
        ImageNotFound "image_not_found" Cause Fault "镜像仓库里没有这个镜像" "The registry has no such image";
        ImageTagNotFound "image_tag_not_found" Cause Fault "镜像存在，但没有这个标签" "The image has no such tag";
        ImagePullUnauthorized "image_pull_unauthorized" Cause Fault "仓库拒绝了拉取凭证" "The registry refuses the pull, for want of valid credentials";
        ImagePullSecretMissing "image_pull_secret_missing" Cause Fault "引用的 imagePullSecret 不存在" "The image pull secret does not exist";
        ImagePullSecretWrong "image_pull_secret_wrong" Cause Fault "imagePullSecret 是给另一个仓库的" "The image pull secret is for another registry";
        ImagePullRateLimited "image_pull_rate_limited" Cause Fault "仓库限制了拉取次数" "The registry limits how often images may be pulled";
        ImageArchitectureMismatch "image_architecture_mismatch" Cause Fault "镜像没有节点 CPU 架构的版本" "The image is not built for the node's architecture";
        RegistryUnreachable "registry_unreachable" Cause Fault "节点连不上镜像仓库" "The node cannot reach the registry";
        RegistryTlsError "registry_tls_error" Cause Fault "镜像仓库的 TLS 证书不被信任" "The registry's TLS certificate is not trusted";
        ImageNameInvalid "image_name_invalid" Cause Fault "镜像名不合法" "The image name is malformed";
        ImagePullPolicyNever "image_pull_policy_never" Cause Fault "imagePullPolicy 为 Never，而节点上没有该镜像" "The pull policy is Never and the node does not hold the image";
        ImagePullFailed "image_pull_failed" Cause Fault "镜像拉取失败，原因见仓库返回的信息" "The image cannot be pulled, for the reason that the registry gives";
    }
    "Start and crash" {
        CommandNotFound "command_not_found" Cause Fault "容器里没有要执行的命令" "The command does not exist in the image";
        CommandNotExecutable "command_not_executable" Cause Fault "要执行的文件没有执行权限" "The command's file may not be executed";
        ContainerStartFailed "container_start_failed" Cause Fault "运行时无法启动容器" "The runtime cannot start the container";
        ConfigMapNotFound "config_map_not_found" Cause Fault "引用的 ConfigMap 不存在" "The config map does not exist";
        SecretNotFound "secret_not_found" Cause Fault "引用的 Secret 不存在" "The secret does not exist";
        ConfigMapKeyNotFound "config_map_key_not_found" Cause Fault "ConfigMap 里没有引用的键" "The config map has no such key";
        SecretKeyNotFound "secret_key_not_found" Cause Fault "Secret 里没有引用的键" "The secret has no such key";
        EnvironmentInvalid "environment_invalid" Cause Fault "缺少必需的环境变量或值不正确" "A required environment variable is missing or has a bad value";
        ConfigFileInvalid "config_file_invalid" Cause Fault "配置文件无法解析" "The configuration file cannot be parsed";
        OomKilled "oom_killed" Cause Fault "容器用超了自己的内存上限" "The container used more memory than its limit";
        NodeOutOfMemory "node_out_of_memory" Cause Fault "节点内存耗尽，内核杀死了容器" "The node ran out of memory and the kernel killed the container";
        LivenessProbeKillsSlowStart "liveness_probe_kills_slow_start" Cause Fault "存活探针在程序启动完成前就杀死了它" "The liveness probe kills the program before it has started";
        LivenessProbeFailing "liveness_probe_failing" Cause Fault "存活探针失败，容器被反复重启" "The liveness probe fails and the container is restarted";
        StartupProbeFailed "startup_probe_failed" Cause Fault "启动探针在期限内没有成功" "The start-up probe did not succeed in time";
        DependencyRefused "dependency_refused" Cause Fault "依赖的服务拒绝连接" "A service that it depends on refuses the connection";
        DependencyTimeout "dependency_timeout" Cause Fault "依赖的服务没有响应" "A service that it depends on does not answer";
        DependencyNameUnresolved "dependency_name_unresolved" Cause Fault "依赖的主机名无法解析" "The name of a service that it depends on does not resolve";
        DependencyAuthFailed "dependency_auth_failed" Cause Fault "依赖的服务拒绝了凭证" "A service that it depends on refuses the credentials";
        InitContainerFailed "init_container_failed" Cause Fault "初始化容器失败，主容器无法启动" "An init container fails, so the pod cannot start";
        SidecarFailed "sidecar_failed" Cause Fault "边车容器失败，主程序正常" "A sidecar fails while the main container works";
        ReadOnlyRootFilesystem "read_only_root_filesystem" Cause Fault "根文件系统只读，程序需要写入" "The root file system is read-only and the program writes to it";
        RunAsNonRootConflict "run_as_non_root_conflict" Cause Fault "镜像以 root 运行，而 Pod 要求非 root" "The image runs as root where the pod demands another user";
        PermissionDenied "permission_denied" Cause Fault "程序没有读写所需文件或端口的权限" "The program may not read, write or bind what it needs";
        PortInUse "port_in_use" Cause Fault "程序要监听的端口已被占用" "The port that the program listens on is taken";
        ApplicationPanic "application_panic" Cause Fault "程序崩溃（panic 或段错误）" "The program panicked or crashed";
        ApplicationException "application_exception" Cause Fault "程序因未处理的异常退出" "The program ended with an unhandled exception";
        ContainerExitsSuccessfully "container_exits_successfully" Cause Fault "主程序正常结束，但控制器要求它一直运行" "The program ends by itself where it should go on running";
        ContainerExitError "container_exit_error" Cause Fault "程序以非零退出码结束，日志没有说明原因" "The program ends with an error code and its log does not say why";
        PodEvicted "pod_evicted" Cause Fault "节点资源不足或超出临时存储上限，Pod 被驱逐" "The pod was evicted for want of a node resource or over its own limit";
        SandboxCreationFailed "sandbox_creation_failed" Cause Fault "Pod 沙箱或网络（CNI）创建失败" "The pod's sandbox or its network (CNI) cannot be made";
        RuntimeClassNotFound "runtime_class_not_found" Cause Fault "引用的 RuntimeClass 不存在" "The runtime class does not exist";
    }
    "Probes" {
        ProbePortWrong "probe_port_wrong" Cause Fault "探针的端口不是程序监听的端口" "The probe's port is not the one that the program listens on";
        ProbePathWrong "probe_path_wrong" Cause Fault "探针的路径不存在" "The probe's path does not exist";
        ProbeSchemeWrong "probe_scheme_wrong" Cause Fault "探针的协议（HTTP/HTTPS）不对" "The probe speaks HTTP where the program speaks HTTPS, or the reverse";
        ProbeTimeout "probe_timeout" Cause Fault "探针在时限内没有得到响应" "The probe gets no answer within its time-out";
        ProbeFailing "probe_failing" Cause Fault "就绪探针失败：程序自己报告未就绪" "The readiness probe fails because the program says that it is not ready";
    }
    "Configuration and rights" {
        ServiceAccountNotFound "service_account_not_found" Cause Fault "引用的 ServiceAccount 不存在" "The service account does not exist";
        RbacDenied "rbac_denied" Cause Fault "RBAC 不允许该账号执行操作" "RBAC does not allow the account to do it";
        PodSecurityViolation "pod_security_violation" Cause Fault "Pod Security 准入拒绝了 Pod" "Pod Security admission refuses the pod";
        AdmissionWebhookDenied "admission_webhook_denied" Cause Fault "准入 Webhook 拒绝了请求" "An admission webhook refuses the request";
        AdmissionWebhookUnreachable "admission_webhook_unreachable" Cause Fault "准入 Webhook 无法访问，请求被拒绝" "An admission webhook cannot be reached, so requests fail";
        ResourceQuotaExceeded "resource_quota_exceeded" Cause Fault "命名空间的 ResourceQuota 已用完" "The namespace's resource quota is used up";
        ResourceQuotaNeedsRequests "resource_quota_needs_requests" Cause Fault "ResourceQuota 要求每个容器写明资源请求或上限" "The resource quota demands requests or limits that the pod does not set";
        LimitRangeViolation "limit_range_violation" Cause Fault "违反 LimitRange 的上下限" "The pod breaks the namespace's limit range";
        InvalidField "invalid_field" Cause Fault "字段的值不合法" "A field has a value that the API server refuses";
        ImmutableField "immutable_field" Cause Fault "修改了不可变字段" "A field that may not be changed was changed";
        PriorityClassNotFound "priority_class_not_found" Cause Fault "引用的 PriorityClass 不存在" "The priority class does not exist";
        NamespaceStuck "namespace_stuck" Cause Fault "命名空间一直处于 Terminating" "The namespace is stuck in Terminating";
        FinalizerStuck "finalizer_stuck" Cause Fault "finalizer 未被处理，对象删不掉" "A finalizer is not handled, so the object cannot be deleted";
        ApiServiceUnavailable "api_service_unavailable" Cause Fault "聚合 API 的后端不可用" "The backend of an aggregated API does not answer";
        CrdMissing "crd_missing" Cause Fault "引用的 CustomResourceDefinition 不存在" "The custom resource definition does not exist";
        ApiVersionRemoved "api_version_removed" Cause Fault "使用了已移除的 API 版本" "The API version is no longer served";
    }
    "Network" {
        ServiceSelectorMismatch "service_selector_mismatch" Cause Fault "Service 的选择器没有匹配到任何 Pod" "The service's selector matches no pod";
        ServiceSelectorWrongPods "service_selector_wrong_pods" Cause Fault "Service 的选择器匹配到了错误的 Pod" "The service's selector matches the wrong pods";
        ServiceTargetPortMismatch "service_target_port_mismatch" Cause Fault "Service 的 targetPort 不是 Pod 开放的端口" "The service's target port is not one that the pods open";
        ServiceNotFound "service_not_found" Cause Fault "被引用的 Service 不存在" "The service that is called does not exist";
        ServicePortMismatch "service_port_mismatch" Cause Fault "调用方使用的端口不在 Service 上" "The caller uses a port that the service does not have";
        HeadlessServiceMissing "headless_service_missing" Cause Fault "StatefulSet 的 serviceName 指向的 Service 不存在" "The stateful set's governing service does not exist";
        ExternalNameUnresolved "external_name_unresolved" Cause Fault "ExternalName 指向的主机名无法解析" "The external name does not resolve";
        IngressClassNotFound "ingress_class_not_found" Cause Fault "Ingress 引用的 IngressClass 不存在" "The ingress class does not exist";
        IngressBackendNotFound "ingress_backend_not_found" Cause Fault "Ingress 的后端 Service 不存在" "The ingress' backend service does not exist";
        IngressBackendPortMismatch "ingress_backend_port_mismatch" Cause Fault "Ingress 后端的端口不在 Service 上" "The ingress names a port that its service does not have";
        IngressTlsSecretMissing "ingress_tls_secret_missing" Cause Fault "Ingress 的 TLS Secret 不存在" "The ingress' TLS secret does not exist";
        IngressHostConflict "ingress_host_conflict" Cause Fault "两个 Ingress 声明了同一主机和路径" "Two ingresses claim the same host and path";
        DnsDown "dns_down" Cause Fault "集群 DNS 不可用" "The cluster's DNS does not work";
        NetworkPolicyBlocks "network_policy_blocks" Cause Fault "网络策略阻断了这条访问路径" "A network policy blocks the path";
        LoadBalancerPending "load_balancer_pending" Cause Fault "LoadBalancer 没有分配到外部地址" "The load balancer has not been given an address";
        NodeNetworkUnavailable "node_network_unavailable" Cause Fault "节点网络未就绪" "The node's network is not ready";
    }
    "Controllers" {
        RolloutPaused "rollout_paused" Cause Note "Deployment 处于暂停状态" "The deployment is paused";
        ScaledToZero "scaled_to_zero" Cause Note "副本数被设为 0" "It is scaled to zero";
        DaemonsetMissesNodes "daemonset_misses_nodes" Cause Fault "DaemonSet 没有覆盖应覆盖的节点" "The daemon set does not run on nodes that it should";
        JobBackoffLimitExceeded "job_backoff_limit_exceeded" Cause Fault "Job 失败次数超过 backoffLimit" "The job failed more often than its back-off limit allows";
        JobDeadlineExceeded "job_deadline_exceeded" Cause Fault "Job 超过 activeDeadlineSeconds" "The job ran longer than its deadline";
        JobSuspended "job_suspended" Cause Note "Job 被挂起" "The job is suspended";
        CronjobSuspended "cronjob_suspended" Cause Note "CronJob 被挂起" "The cron job is suspended";
        CronjobMissedRuns "cronjob_missed_runs" Cause Fault "CronJob 错过了计划的运行" "The cron job missed scheduled runs";
        CronjobScheduleInvalid "cronjob_schedule_invalid" Cause Fault "CronJob 的 schedule 无法解析" "The cron job's schedule cannot be parsed";
        CronjobConcurrencyBlocked "cronjob_concurrency_blocked" Cause Fault "上一次运行未结束，新的运行被跳过" "The previous run has not ended, so new runs are skipped";
        HpaNoMetrics "hpa_no_metrics" Cause Fault "HPA 取不到指标" "The autoscaler gets no metrics";
        HpaNoRequests "hpa_no_requests" Cause Fault "容器没有设置 HPA 需要的资源请求" "The containers lack the resource request that the autoscaler divides by";
        HpaAtMaximum "hpa_at_maximum" Cause Fault "HPA 已到最大副本数" "The autoscaler is at its maximum";
        HpaTargetNotFound "hpa_target_not_found" Cause Fault "HPA 的目标不存在" "The autoscaler's target does not exist";
        PdbBlocksEviction "pdb_blocks_eviction" Cause Fault "PodDisruptionBudget 不允许任何驱逐" "The disruption budget allows no eviction";
    }
    "Nodes" {
        KubeletStopped "kubelet_stopped" Cause Fault "kubelet 停止上报，节点失联" "The kubelet has stopped reporting";
        ContainerRuntimeDown "container_runtime_down" Cause Fault "节点的容器运行时不可用" "The node's container runtime does not work";
        NodeNotReady "node_not_ready" Cause Fault "节点未就绪" "The node is not ready";
        NodeMemoryPressure "node_memory_pressure" Cause Fault "节点内存不足" "The node is short of memory";
        NodeDiskPressure "node_disk_pressure" Cause Fault "节点磁盘不足" "The node is short of disk space";
        NodePidPressure "node_pid_pressure" Cause Fault "节点进程数不足" "The node is short of process ids";
        NodeCordoned "node_cordoned" Cause Note "节点被标记为不可调度" "The node is cordoned";
        VersionSkew "version_skew" Cause Fault "kubelet 与 API server 的版本差超出支持范围" "The kubelet's version is too far from the API server's";
        NodeClockSkew "node_clock_skew" Cause Fault "节点时钟不同步" "The node's clock is off";
        CertificateExpired "certificate_expired" Cause Fault "证书已过期" "A certificate has expired";
        CertificateExpiring "certificate_expiring" Cause Fault "证书即将过期" "A certificate will expire soon";
    }
    "Control plane" {
        ControlPlaneComponentUnhealthy "control_plane_component_unhealthy" Cause Fault "控制面组件异常" "A control plane component is unhealthy";
        EtcdUnhealthy "etcd_unhealthy" Cause Fault "etcd 异常" "etcd is unhealthy";
        SchedulerNotActing "scheduler_not_acting" Cause Fault "调度器没有处理待调度的 Pod" "The scheduler does not act on pending pods";
        ControllerManagerNotActing "controller_manager_not_acting" Cause Fault "控制器没有处理对象的最新版本" "The controllers do not act on the object's newest generation";
    }
    "Metrics" {
        CpuThrottled "cpu_throttled" Cause Fault "容器的 CPU 被限流" "The container is throttled at its CPU limit";
    }
    "Symptoms" {
        PodUnschedulable "pod_unschedulable" Symptom Fault "Pod 无法调度" "The pod cannot be scheduled";
        PodNotReady "pod_not_ready" Symptom Fault "Pod 未就绪" "The pod is not ready";
        ClaimPending "claim_pending" Symptom Fault "PVC 未绑定" "The claim is not bound";
        ImagePullBackoff "image_pull_backoff" Symptom Fault "镜像拉取失败，正在退避" "The image cannot be pulled and the kubelet backs off";
        CrashLoop "crash_loop" Symptom Fault "容器反复崩溃" "The container keeps crashing";
        ContainerNotCreated "container_not_created" Symptom Fault "容器无法创建" "The container cannot be created";
        PodsNotCreated "pods_not_created" Symptom Fault "控制器无法创建 Pod" "The controller cannot create pods";
        RolloutStuck "rollout_stuck" Symptom Fault "发布没有进展" "The rollout makes no progress";
        ReplicasUnavailable "replicas_unavailable" Symptom Fault "可用副本数不足" "Fewer replicas are available than wanted";
        StatefulsetWaitsForPod "statefulset_waits_for_pod" Symptom Fault "StatefulSet 在等待前一个 Pod" "The stateful set waits for an earlier pod";
        JobFailed "job_failed" Symptom Fault "Job 失败" "The job failed";
        EndpointsEmpty "endpoints_empty" Symptom Fault "Service 没有就绪的端点" "The service has no ready endpoint";
        IngressBackendUnavailable "ingress_backend_unavailable" Symptom Fault "Ingress 的后端不可用" "The ingress' backend is not available";
        DependencyUnavailable "dependency_unavailable" Symptom Fault "依赖的服务不可用" "A service that it depends on is not available";
        VolumeNotReady "volume_not_ready" Symptom Fault "卷尚未就绪" "The volume is not ready";
        NodeUnavailable "node_unavailable" Symptom Fault "Pod 所在的节点不可用" "The node that the pod runs on is not available";
        ObjectTerminating "object_terminating" Symptom Fault "对象一直处于删除中" "The object is stuck in deletion";
        HpaNotScaling "hpa_not_scaling" Symptom Fault "HPA 无法伸缩" "The autoscaler cannot scale";
    }
}
