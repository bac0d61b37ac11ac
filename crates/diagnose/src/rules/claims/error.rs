//! What a provisioner's error means.

use crate::class::Class;
use crate::event::Event;
use crate::evidence::Evidence;
use crate::finding::{Cite, Finding, Text, text};
use crate::object::Object;
use crate::pattern::Pattern;

static CLASS_GONE: Pattern = Pattern::new(r#"storageclass(?:\.storage\.k8s\.io)? "?([^"\s]+)"? not found"#);
static QUOTA: Pattern = Pattern::new(
    r"(?i)quota|VolumeLimitExceeded|LimitExceeded|MaximumVolume|exceeded your (?:maximum|account)|reached the (?:maximum|limit)|DiskLimit|InstanceDiskNumber|account limit|storage limit",
);
static CREDENTIALS: Pattern = Pattern::new(
    r"(?i)AuthFailure|UnauthorizedOperation|Unauthorized|AccessDenied|not authorized to perform|InvalidAccessKey|InvalidClientTokenId|UnrecognizedClient|SignatureDoesNotMatch|ExpiredToken|RequestExpired|NoCredentialProviders|no EC2 IMDS role|failed to (?:refresh|retrieve) (?:cached )?credentials|AuthorizationFailed|does not have authorization|InvalidAuthenticationToken|AADSTS|invalid_client|invalid_grant|Forbidden\.RAM|Forbidden\.SubUser|NoPermission|SecretIdNotFound|InvalidSecret|SecretKey|insufficient authentication scopes|Required '[\w.]+' permission|PERMISSION_DENIED|code = (?:Unauthenticated|PermissionDenied)|WebIdentityErr|AssumeRole|status ?code:? 40[13]|\b40[13] (?:Unauthorized|Forbidden)|APIGW\.0[13]0|Incorrect IAM authentication|authentication (?:failed|required)|rados: ret=-(?:1|13)\b|secrets? .{0,80}not found|failed to get (?:node|controller|provisioner) ?secret",
);
static ZONE: Pattern = Pattern::new(
    r"(?i)NoStock|sold ?out|out of stock|stockout|SoldOut|ResourceInsufficient|InsufficientVolumeCapacity|InsufficientCapacity|InsufficientResources|ZONE_RESOURCE_POOL_EXHAUSTED|does not have enough resources|ZonesNotSupport|InvalidZone|InvalidAvailabilityZone|(?:zone|region).{0,60}(?:does not support|not support|not available|is not supported|invalid|doesn't exist)|not (?:supported|available) in (?:this|the|your|location|zone|availability)|DiskTypeNotSupport|InvalidDiskCategory|InvalidDataDiskCategory|DiskCategory\.NotSupport|OverconstrainedZonal|OverconstrainedAllocation|SkuNotAvailable|code = ResourceExhausted|no (?:storage )?pool .{0,40}enough (?:free )?(?:space|capacity)|insufficient (?:capacity|storage|free space)|not enough (?:free )?(?:space|capacity|disk)",
);
static ACCESS: Pattern = Pattern::new(
    r"(?i)access ?modes?|MULTI_NODE|ReadWriteMany|ReadOnlyMany|\bRWX\b|multi-?node|volume capabilit(?:y|ies).{0,60}(?:not|un)[ -]?support|only supports? .{0,40}(?:ReadWriteOnce|SINGLE_NODE)|multi.?attach.{0,30}not support",
);

/// Whether an error says more than that something did not work.
pub fn is_specific(message: &str) -> bool {
    CLASS_GONE.is_match(message) || kind(message).is_some() || super::size::is_about(message)
}

fn kind(message: &str) -> Option<Class> {
    // the order matters: a quota is refused with 403, and "sold out" may speak of capacity
    [
        (&QUOTA, Class::StorageQuotaExceeded),
        (&CREDENTIALS, Class::ProvisionerCredentialsInvalid),
        (&ACCESS, Class::AccessModeUnsupported),
        (&ZONE, Class::VolumeZoneUnavailable),
    ]
    .into_iter()
    .find(|(pattern, _)| pattern.is_match(message))
    .map(|(_, class)| class)
}

pub fn cause(evidence: &Evidence, claim: &Object, event: &Event) -> Finding {
    let message = &event.message;
    if CLASS_GONE.is_match(message) {
        return super::class_not_found(evidence, claim, Some(event));
    }
    let kind = kind(message);
    let about_size = kind.is_none() || kind == Some(Class::VolumeZoneUnavailable);
    let size =
        (about_size && super::size::is_about(message)).then(|| super::size::cause(evidence, claim, event)).flatten();
    if let Some(size) = size {
        return size;
    }
    let (name, class) = (claim.re.path(), claim.str("/spec/storageClassName"));
    let says = reason(message);
    let kind = kind.unwrap_or(Class::ProvisionerFailing);
    let statement = statement(kind, &name, class, claim, &says);
    let finding = Finding::new(kind, &claim.re, statement).cite(event.cite());
    mend(evidence, claim, finding, kind, class)
}

fn statement(kind: Class, name: &str, class: &str, claim: &Object, says: &str) -> Text {
    let modes = claim.at("/spec/accessModes").to_string();
    let (zh, en) = if kind == Class::StorageQuotaExceeded {
        (
            format!("云账号的磁盘配额不够，PVC {name} 的卷创建不了"),
            format!("the cloud account's disk quota does not allow a volume for claim {name}"),
        )
    } else if kind == Class::ProvisionerCredentialsInvalid {
        (
            format!("存储类 {class} 的供应器访问云接口的凭证无效或权限不足，PVC {name} 的卷创建不了"),
            format!(
                "the credentials of class {class}'s provisioner are invalid or lack a right, so claim {name} gets no volume"
            ),
        )
    } else if kind == Class::AccessModeUnsupported {
        (
            format!("存储类 {class} 不支持 PVC {name} 申请的访问模式 {modes}"),
            format!("class {class} cannot serve access mode {modes} that claim {name} asks for"),
        )
    } else if kind == Class::VolumeZoneUnavailable {
        (
            format!("该可用区没有存储类 {class} 要的磁盘（售罄或不支持），PVC {name} 的卷创建不了"),
            format!("the zone has no disk of class {class} (sold out or not offered), so claim {name} gets no volume"),
        )
    } else {
        (
            format!("存储类 {class} 的供应器创建 PVC {name} 的卷时出错"),
            format!("class {class}'s provisioner fails to make a volume for claim {name}"),
        )
    };
    text(format!("{zh}：{says}"), format!("{en}: {says}"))
}

/// The part of the message behind the wrapping of the provisioner and of gRPC.
fn reason(message: &str) -> String {
    let tail = message.rsplit_once("desc = ").map_or(message, |(_, tail)| tail);
    tail.split_whitespace().collect::<Vec<_>>().join(" ").chars().take(300).collect()
}

fn mend(evidence: &Evidence, claim: &Object, finding: Finding, kind: Class, class: &str) -> Finding {
    let provisioner = evidence.find("StorageClass", "", class).map_or("", |c| c.str("/provisioner"));
    let logs = "kubectl get pods -A | grep -iE 'csi.*(controller|provisioner)'";
    if kind == Class::AccessModeUnsupported {
        let finding = finding.cite(Cite::field(claim, "/spec/accessModes"));
        return super::remake::with(evidence, claim, finding, |spec| {
            spec["accessModes"] = serde_json::json!(["ReadWriteOnce"]);
        })
        .advice(text(
            "确需多节点同时读写，换用文件存储的存储类（NFS、CephFS、EFS、CFS、NAS）",
            "where many nodes must share it, use a class of file storage (NFS, CephFS, EFS, CFS, NAS)",
        ));
    }
    if kind == Class::StorageQuotaExceeded {
        return finding
            .fix(
                text(
                    "找出可以清理的卷（Released 的卷仍占配额）",
                    "find volumes to clean up (Released ones still count)",
                ),
                "kubectl get pv --sort-by=.spec.capacity.storage",
            )
            .advice(text(
                "在云控制台申请提高磁盘配额；通过后供应器会自动重试",
                "ask the cloud for a higher disk quota; the provisioner tries again by itself",
            ));
    }
    if kind == Class::ProvisionerCredentialsInvalid {
        return finding
            .fix(
                text("找到供应器的 Pod 和它用的 Secret", "find the provisioner's pods and the secret that they use"),
                logs,
            )
            .advice(text(
                format!("更新 {provisioner} 的云密钥（或角色授权），再重启它"),
                format!("renew the cloud key (or role) of {provisioner}, then restart it"),
            ));
    }
    if kind == Class::VolumeZoneUnavailable {
        return finding
            .fix(
                text("看节点分布在哪些可用区", "see which zones the nodes are in"),
                "kubectl get nodes -L topology.kubernetes.io/zone; kubectl get storageclass",
            )
            .advice(text(
                "换一个磁盘类型或可用区（改存储类的参数或 allowedTopologies）",
                "use another disk type or zone (the class' parameters or allowedTopologies)",
            ));
    }
    finding.fix(text("看供应器的日志", "read the provisioner's log"), logs).advice(text(
        format!("检查 {provisioner} 能否访问它的后端"),
        format!("see whether {provisioner} reaches its backend"),
    ))
}
