package kubelet

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"
	"time"

	v1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/record"
	"k8s.io/klog/v2"
)

// worker plays one pod from its binding to its deletion.
type worker struct {
	kubelet  *Kubelet
	client   kubernetes.Interface
	events   record.EventRecorder
	pod      *v1.Pod
	ip       string
	play     Play
	inJob    bool
	stopping bool
	cancel   context.CancelFunc

	mu     sync.Mutex
	status v1.PodStatus
	logs   map[string]*logs
}

func newWorker(k *Kubelet, pod *v1.Pod, ip string) *worker {
	w := &worker{kubelet: k, client: k.client, pod: pod, ip: ip, logs: map[string]*logs{}}
	if err := parse(pod.Annotations, ip, &w.play); err != nil {
		klog.Errorf("pod %s/%s: annotation %s: %v", pod.Namespace, pod.Name, PlayKey, err)
	}
	if owner := metav1.GetControllerOf(pod); owner != nil {
		w.inJob = owner.Kind == "Job"
	}
	now := metav1.Now()
	w.status = v1.PodStatus{
		Phase: v1.PodPending, StartTime: &now,
		HostIP: "127.0.0.1", HostIPs: []v1.HostIP{{IP: "127.0.0.1"}},
		InitContainerStatuses: waitingStatuses(pod.Spec.InitContainers, "PodInitializing"),
		ContainerStatuses:     waitingStatuses(pod.Spec.Containers, "ContainerCreating"),
	}
	if len(pod.Spec.InitContainers) > 0 {
		w.status.ContainerStatuses = waitingStatuses(pod.Spec.Containers, "PodInitializing")
	}
	return w
}

func waitingStatuses(containers []v1.Container, reason string) []v1.ContainerStatus {
	var list []v1.ContainerStatus
	for _, c := range containers {
		started := false
		list = append(list, v1.ContainerStatus{
			Name: c.Name, Image: c.Image, Started: &started,
			State: v1.ContainerState{Waiting: &v1.ContainerStateWaiting{Reason: reason}},
		})
	}
	return list
}

func (w *worker) run(ctx context.Context) {
	w.events = w.kubelet.recorder("kubelet", w.pod.Spec.NodeName)
	if w.play.Evict != "" && w.kubelet.mayEvict(w.pod) {
		w.evict(ctx)
		return
	}
	if !w.prepare(ctx) {
		return
	}
	w.mu.Lock()
	w.status.PodIP, w.status.PodIPs = w.ip, []v1.PodIP{{IP: w.ip}}
	w.mu.Unlock()
	for i := range w.pod.Spec.InitContainers {
		c := &w.pod.Spec.InitContainers[i]
		if c.RestartPolicy != nil && *c.RestartPolicy == v1.ContainerRestartPolicyAlways {
			go w.live(ctx, c, true)
			continue
		}
		code, ended := w.live(ctx, c, true)
		if !ended {
			return
		}
		if code != 0 {
			w.finish(ctx, v1.PodFailed)
			return
		}
	}
	w.runMain(ctx)
}

// runMain runs the main containers side by side and settles the pod's phase when all have ended for good.
func (w *worker) runMain(ctx context.Context) {
	var group sync.WaitGroup
	var mu sync.Mutex
	failed, open := false, false
	for i := range w.pod.Spec.Containers {
		c := &w.pod.Spec.Containers[i]
		group.Go(func() {
			code, ended := w.live(ctx, c, false)
			mu.Lock()
			defer mu.Unlock()
			open = open || !ended
			failed = failed || code != 0
		})
	}
	group.Wait()
	switch {
	case open:
	case failed:
		w.finish(ctx, v1.PodFailed)
	default:
		w.finish(ctx, v1.PodSucceeded)
	}
}

// prepare waits until volumes are mounted and the sandbox stands; false when the pod went away first.
func (w *worker) prepare(ctx context.Context) bool {
	first := true
	for wait := time.Second; ; wait = min(wait*2, 16*time.Second) {
		reason, text := w.obstacle(ctx)
		if text == "" && w.attached(ctx) {
			return true
		}
		if first {
			w.push(ctx)
			first = false
		}
		events := w.events
		if reason == "FailedAttachVolume" {
			events = w.kubelet.recorder("attachdetach-controller", "")
		}
		if text != "" {
			events.Event(w.pod, v1.EventTypeWarning, reason, text)
		}
		if !pause(ctx, wait) {
			return false
		}
	}
}

func (w *worker) obstacle(ctx context.Context) (reason, text string) {
	if w.play.Attach != "" {
		return "FailedAttachVolume", w.play.Attach
	}
	if w.play.Mount != "" {
		return "FailedMount", w.play.Mount
	}
	if text := w.mountError(ctx); text != "" {
		return "FailedMount", text
	}
	return "FailedCreatePodSandBox", w.play.Sandbox
}

func (w *worker) evict(ctx context.Context) {
	if !pause(ctx, time.Second) {
		return
	}
	w.events.Event(w.pod, v1.EventTypeWarning, "Evicted", w.play.Evict)
	w.mu.Lock()
	w.status.Phase, w.status.Reason, w.status.Message = v1.PodFailed, "Evicted", w.play.Evict
	for i := range w.status.ContainerStatuses {
		w.status.ContainerStatuses[i].State = v1.ContainerState{Terminated: &v1.ContainerStateTerminated{
			ExitCode: 137, Reason: "ContainerStatusUnknown",
			Message: "The container could not be located when the pod was terminated",
		}}
	}
	w.mu.Unlock()
	w.condition(v1.DisruptionTarget, v1.ConditionTrue, "TerminationByKubelet", w.play.Evict)
	w.push(ctx)
}

func (w *worker) finish(ctx context.Context, phase v1.PodPhase) {
	w.mu.Lock()
	w.status.Phase = phase
	w.mu.Unlock()
	w.push(ctx)
}

// stop ends a pod that was told to go, unless its node is lost: then nobody is there to hear it.
func (w *worker) stop(ctx context.Context) {
	if w.kubelet.isLost(w.pod.Spec.NodeName) {
		return
	}
	w.cancel()
	w.mu.Lock()
	running := []string{}
	for _, s := range w.status.ContainerStatuses {
		if s.State.Running != nil {
			running = append(running, s.Name)
		}
	}
	w.mu.Unlock()
	for _, name := range running {
		w.containerEvent(name, false, v1.EventTypeNormal, "Killing", "Stopping container "+name)
	}
	none, uid := int64(0), w.pod.UID
	err := w.client.CoreV1().Pods(w.pod.Namespace).Delete(ctx, w.pod.Name, metav1.DeleteOptions{
		GracePeriodSeconds: &none, Preconditions: &metav1.Preconditions{UID: &uid},
	})
	if err != nil && ctx.Err() == nil {
		klog.V(1).Infof("delete pod %s/%s: %v", w.pod.Namespace, w.pod.Name, err)
	}
}

// change edits a container's status and writes the pod's.
func (w *worker) change(ctx context.Context, name string, init bool, edit func(*v1.ContainerStatus)) {
	w.mu.Lock()
	list := w.status.ContainerStatuses
	if init {
		list = w.status.InitContainerStatuses
	}
	for i := range list {
		if list[i].Name == name {
			edit(&list[i])
		}
	}
	w.mu.Unlock()
	w.push(ctx)
}

// push writes the status, with the conditions that follow from it.
func (w *worker) push(ctx context.Context) {
	if w.kubelet.isLost(w.pod.Spec.NodeName) {
		return
	}
	w.derive()
	w.mu.Lock()
	body, err := json.Marshal(map[string]any{"metadata": map[string]any{"uid": w.pod.UID}, "status": w.status})
	w.mu.Unlock()
	if err == nil {
		_, err = w.client.CoreV1().Pods(w.pod.Namespace).Patch(ctx, w.pod.Name, types.StrategicMergePatchType, body, metav1.PatchOptions{}, "status")
	}
	if err != nil && ctx.Err() == nil {
		klog.Warningf("status of pod %s/%s: %v", w.pod.Namespace, w.pod.Name, err)
	}
}

// derive sets phase and conditions from the containers' states.
func (w *worker) derive() {
	w.mu.Lock()
	ready, initialized, anyStarted := true, true, false
	var unready, incomplete []v1.Container
	for i, s := range w.status.ContainerStatuses {
		if !s.Ready {
			ready = false
			unready = append(unready, w.pod.Spec.Containers[i])
		}
		anyStarted = anyStarted || s.State.Running != nil || s.State.Terminated != nil || s.LastTerminationState.Terminated != nil
	}
	for i, s := range w.status.InitContainerStatuses {
		if !s.Ready {
			initialized = false
			incomplete = append(incomplete, w.pod.Spec.InitContainers[i])
		}
	}
	if anyStarted && w.status.Phase == v1.PodPending {
		w.status.Phase = v1.PodRunning
	}
	phase := w.status.Phase
	w.mu.Unlock()

	if phase == v1.PodSucceeded || phase == v1.PodFailed {
		reason := map[v1.PodPhase]string{v1.PodSucceeded: "PodCompleted", v1.PodFailed: "PodFailed"}[phase]
		w.condition(v1.PodInitialized, v1.ConditionTrue, map[bool]string{true: "PodCompleted"}[phase == v1.PodSucceeded], "")
		w.condition(v1.PodReady, v1.ConditionFalse, reason, "")
		w.condition(v1.ContainersReady, v1.ConditionFalse, reason, "")
		w.condition("PodReadyToStartContainers", v1.ConditionFalse, "", "")
		return
	}
	w.condition("PodReadyToStartContainers", truth(w.play.Sandbox == "" && w.play.Mount == ""), "", "")
	if initialized {
		w.condition(v1.PodInitialized, v1.ConditionTrue, "", "")
	} else {
		w.condition(v1.PodInitialized, v1.ConditionFalse, "ContainersNotInitialized", fmt.Sprintf("containers with incomplete status: [%s]", names(incomplete)))
	}
	for _, kind := range []v1.PodConditionType{v1.ContainersReady, v1.PodReady} {
		if ready {
			w.condition(kind, v1.ConditionTrue, "", "")
		} else {
			w.condition(kind, v1.ConditionFalse, "ContainersNotReady", fmt.Sprintf("containers with unready status: [%s]", names(unready)))
		}
	}
}

func truth(b bool) v1.ConditionStatus {
	if b {
		return v1.ConditionTrue
	}
	return v1.ConditionFalse
}

// condition sets one condition and moves its time only when its status changes.
func (w *worker) condition(kind v1.PodConditionType, status v1.ConditionStatus, reason, message string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for i := range w.status.Conditions {
		c := &w.status.Conditions[i]
		if c.Type != kind {
			continue
		}
		if c.Status != status {
			c.LastTransitionTime = metav1.Now()
		}
		c.Status, c.Reason, c.Message = status, reason, message
		return
	}
	w.status.Conditions = append(w.status.Conditions, v1.PodCondition{Type: kind, Status: status, Reason: reason, Message: message, LastTransitionTime: metav1.Now()})
}

func (w *worker) containerEvent(name string, init bool, kind, reason, text string) {
	path := "spec.containers{" + name + "}"
	if init {
		path = "spec.initContainers{" + name + "}"
	}
	w.events.Event(&v1.ObjectReference{
		Kind: "Pod", APIVersion: "v1", Namespace: w.pod.Namespace, Name: w.pod.Name, UID: w.pod.UID,
		ResourceVersion: w.pod.ResourceVersion, FieldPath: path,
	}, kind, reason, text)
}
