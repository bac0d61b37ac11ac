//! Load balancers without an address.

use crate::class::Class;
use crate::evidence::Evidence;
use crate::finding::{Cite, Finding, text};
use crate::object::Object;

pub fn load_balancers(evidence: &Evidence) -> Vec<Finding> {
    let services = evidence.kind("Service").filter(|s| s.str("/spec/type") == "LoadBalancer");
    let pending =
        services.filter(|s| s.deleting_since().is_none() && s.list("/status/loadBalancer/ingress").is_empty());
    pending.filter_map(|service| pending_balancer(evidence, service)).collect()
}

const FAILED: &[&str] = &[
    "SyncLoadBalancerFailed",
    "CreatingLoadBalancerFailed",
    "EnsureLoadBalancerFailed",
    "FailedToCreateLoadBalancer",
    "FailedDeployModel",
    "FailedBuildModel",
    "AllocationFailed",
    "UnAvailableLoadBalancer",
    "UpdateLoadBalancerFailed",
];

fn pending_balancer(evidence: &Evidence, service: &Object) -> Option<Finding> {
    let failed = evidence.events(&service.re).iter().rev().find(|e| {
        FAILED.contains(&e.reason.as_str()) || e.warning && e.message.to_lowercase().contains("load balancer")
    });
    let age = service.created().map_or(i64::MAX, |at| evidence.now.duration_since(at).as_secs());
    let path = service.re.path();
    if let Some(event) = failed {
        let why = event.message.trim_start_matches("Error syncing load balancer: ");
        let statement = text(
            format!("LoadBalancer {path} 没有外部地址：{why}"),
            format!("load balancer {path} has no address: {why}"),
        );
        let finding = Finding::new(Class::LoadBalancerPending, &service.re, statement).cite(event.cite()).fix(
            text(
                "看云控制器报告的原因并在云侧处理（配额、子网、权限）",
                "see what the cloud controller reports and mend it there (quota, subnet, rights)",
            ),
            format!("kubectl describe service {}{}", service.name(), service.re.flag()),
        );
        return Some(finding);
    }
    // a controller that says it is at work may take minutes; without one nothing will come
    let at_work = evidence.event(&service.re, &["EnsuringLoadBalancer"]).is_some();
    if age < if at_work { 300 } else { 30 } {
        return None;
    }
    let class = service.str("/spec/loadBalancerClass");
    let (zh, en) = if class.is_empty() {
        ("没有控制器处理它".to_owned(), "no controller acts on it".to_owned())
    } else {
        (format!("没有控制器处理类 {class}"), format!("no controller acts on its class {class}"))
    };
    let statement = text(
        format!("LoadBalancer {path} 一直没有外部地址，也没有任何事件：{zh}"),
        format!("load balancer {path} has no address and nobody wrote an event: {en}"),
    );
    let finding = Finding::new(Class::LoadBalancerPending, &service.re, statement)
        .likely()
        .cite(Cite::field(service, "/status/loadBalancer"))
        .advice(text(
            "安装云控制器或 MetalLB 等负载均衡控制器",
            "install the cloud controller, or a load balancer controller such as MetalLB",
        ))
        .fix(
            text("或改用 NodePort", "or use a node port"),
            format!(
                "kubectl patch service {}{} -p '{{\"spec\":{{\"type\":\"NodePort\"}}}}'",
                service.name(),
                service.re.flag()
            ),
        );
    Some(finding)
}
