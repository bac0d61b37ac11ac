package kubelet

import (
	"context"
	"encoding/json"
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
	v1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/klog/v2"
)

// OwnNodesLabel is on the nodes that we report for ourselves; kwok keeps all others healthy.
const OwnNodesLabel = "testbed.midwatch.dev/node"

const leaseSeconds = int32(10)

// playNodes reports for our own nodes every two seconds. A lost node falls silent: no status, no lease.
func (k *Kubelet) playNodes(ctx context.Context, port int) {
	told := map[string]bool{}
	for ; ; pause(ctx, 2*time.Second) {
		if ctx.Err() != nil {
			return
		}
		list, err := k.client.CoreV1().Nodes().List(ctx, metav1.ListOptions{LabelSelector: OwnNodesLabel})
		if err != nil {
			continue
		}
		for i := range list.Items {
			node := &list.Items[i]
			var play NodePlay
			if err := parse(node.Annotations, "", &play); err != nil {
				klog.Errorf("node %s: annotation %s: %v", node.Name, PlayKey, err)
			}
			lost := play.LostAfter.Duration > 0 && time.Since(node.CreationTimestamp.Time) > play.LostAfter.Duration
			k.mu.Lock()
			k.lost[node.Name] = lost
			k.mu.Unlock()
			if lost {
				continue
			}
			if err := k.report(ctx, node, play, port); err != nil && ctx.Err() == nil {
				klog.Warningf("node %s: %v", node.Name, err)
			}
			if !told[node.Name] {
				told[node.Name] = true
				k.nodeEvents(node, play)
			}
		}
	}
}

// nodeEvents says once what a kubelet says when a condition turns.
func (k *Kubelet) nodeEvents(node *v1.Node, play NodePlay) {
	reasons := map[v1.NodeConditionType]string{
		v1.NodeDiskPressure: "NodeHasDiskPressure", v1.NodeMemoryPressure: "NodeHasInsufficientMemory", v1.NodePIDPressure: "NodeHasInsufficientPID",
	}
	object := &v1.ObjectReference{Kind: "Node", Name: node.Name, UID: types.UID(node.Name)}
	events := k.recorder("kubelet", node.Name)
	events.Event(object, v1.EventTypeNormal, "Starting", "Starting kubelet.")
	for _, c := range play.Conditions {
		if reason := reasons[c.Type]; reason != "" && c.Status == v1.ConditionTrue {
			events.Eventf(object, v1.EventTypeNormal, reason, "Node %s status is now: %s", node.Name, reason)
		}
		if c.Type == v1.NodeDiskPressure && c.Status == v1.ConditionTrue {
			events.Event(object, v1.EventTypeWarning, "EvictionThresholdMet", "Attempting to reclaim ephemeral-storage")
		}
		if c.Type == v1.NodeMemoryPressure && c.Status == v1.ConditionTrue {
			events.Event(object, v1.EventTypeWarning, "EvictionThresholdMet", "Attempting to reclaim memory")
		}
		if c.Type == v1.NodeReady && c.Status != v1.ConditionTrue {
			events.Eventf(object, v1.EventTypeNormal, "NodeNotReady", "Node %s status is now: NodeNotReady", node.Name)
		}
	}
}

func (k *Kubelet) report(ctx context.Context, node *v1.Node, play NodePlay, port int) error {
	now := metav1.Now()
	conditions := []v1.NodeCondition{
		{Type: v1.NodeMemoryPressure, Status: v1.ConditionFalse, Reason: "KubeletHasSufficientMemory", Message: "kubelet has sufficient memory available"},
		{Type: v1.NodeDiskPressure, Status: v1.ConditionFalse, Reason: "KubeletHasNoDiskPressure", Message: "kubelet has no disk pressure"},
		{Type: v1.NodePIDPressure, Status: v1.ConditionFalse, Reason: "KubeletHasSufficientPID", Message: "kubelet has sufficient PID available"},
		{Type: v1.NodeReady, Status: v1.ConditionTrue, Reason: "KubeletReady", Message: "kubelet is posting ready status"},
	}
	for i := range conditions {
		for _, c := range play.Conditions {
			if c.Type == conditions[i].Type {
				conditions[i] = c
			}
		}
		conditions[i].LastHeartbeatTime, conditions[i].LastTransitionTime = now, now
		for _, old := range node.Status.Conditions {
			if old.Type == conditions[i].Type && old.Status == conditions[i].Status {
				conditions[i].LastTransitionTime = old.LastTransitionTime
			}
		}
	}
	body, err := json.Marshal(map[string]any{"status": map[string]any{
		"conditions":      conditions,
		"addresses":       []v1.NodeAddress{{Type: v1.NodeInternalIP, Address: "127.0.0.1"}, {Type: v1.NodeHostName, Address: node.Name}},
		"daemonEndpoints": v1.NodeDaemonEndpoints{KubeletEndpoint: v1.DaemonEndpoint{Port: int32(port)}},
	}})
	if err != nil {
		return err
	}
	if _, err := k.client.CoreV1().Nodes().Patch(ctx, node.Name, types.StrategicMergePatchType, body, metav1.PatchOptions{}, "status"); err != nil {
		return err
	}
	return k.renew(ctx, node)
}

func (k *Kubelet) renew(ctx context.Context, node *v1.Node) error {
	leases, now, seconds := k.client.CoordinationV1().Leases("kube-node-lease"), metav1.NowMicro(), leaseSeconds
	spec := coordinationv1.LeaseSpec{HolderIdentity: &node.Name, LeaseDurationSeconds: &seconds, RenewTime: &now}
	lease, err := leases.Get(ctx, node.Name, metav1.GetOptions{})
	if err != nil {
		_, err = leases.Create(ctx, &coordinationv1.Lease{ObjectMeta: metav1.ObjectMeta{Name: node.Name}, Spec: spec}, metav1.CreateOptions{})
		return err
	}
	lease.Spec = spec
	_, err = leases.Update(ctx, lease, metav1.UpdateOptions{})
	return err
}
