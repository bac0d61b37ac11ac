// Package kubelet plays the kubelets and the container runtimes of the test bed: it looks at each pod as a kubelet would
// (image, config maps, secrets, user id) and at its play, and writes the status, the events and the logs that a kubelet
// 1.36 with containerd 2 writes.
package kubelet

import (
	"context"
	"fmt"
	"net"
	"strings"
	"sync"
	"time"

	v1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/kubernetes/scheme"
	typedv1 "k8s.io/client-go/kubernetes/typed/core/v1"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/tools/record"
)

// Kubelet plays all pods of a cluster.
type Kubelet struct {
	client      kubernetes.Interface
	broadcaster record.EventBroadcaster

	mu        sync.Mutex
	workers   map[types.UID]*worker
	recorders map[v1.EventSource]record.EventRecorder
	evicted   map[types.UID]int
	lost      map[string]bool
	addresses uint32
}

// Start plays pods and nodes until ctx ends.
func Start(ctx context.Context, client kubernetes.Interface, port int) *Kubelet {
	k := &Kubelet{
		client:      client,
		broadcaster: record.NewBroadcaster(record.WithContext(ctx)),
		workers:     map[types.UID]*worker{},
		recorders:   map[v1.EventSource]record.EventRecorder{},
		evicted:     map[types.UID]int{},
		lost:        map[string]bool{},
	}
	k.broadcaster.StartRecordingToSink(&typedv1.EventSinkImpl{Interface: client.CoreV1().Events("")})
	factory := informers.NewSharedInformerFactoryWithOptions(client, 0, informers.WithTweakListOptions(func(o *metav1.ListOptions) {
		o.FieldSelector = fields.OneTermNotEqualSelector("spec.nodeName", "").String()
	}))
	pods := factory.Core().V1().Pods().Informer()
	// The handler cannot be refused: the informer has not been stopped.
	_, _ = pods.AddEventHandler(cache.ResourceEventHandlerFuncs{
		AddFunc:    func(o any) { k.seen(ctx, o.(*v1.Pod)) },
		UpdateFunc: func(_, o any) { k.seen(ctx, o.(*v1.Pod)) },
		DeleteFunc: func(o any) {
			if gone, ok := o.(cache.DeletedFinalStateUnknown); ok {
				o = gone.Obj
			}
			k.gone(o.(*v1.Pod))
		},
	})
	factory.Start(ctx.Done())
	go k.playNodes(ctx, port)
	return k
}

func (k *Kubelet) seen(ctx context.Context, pod *v1.Pod) {
	k.mu.Lock()
	defer k.mu.Unlock()
	w := k.workers[pod.UID]
	if w == nil {
		if pod.Status.Phase == v1.PodSucceeded || pod.Status.Phase == v1.PodFailed {
			if pod.DeletionTimestamp == nil {
				return
			}
		}
		k.addresses++
		w = newWorker(k, pod, net.IPv4(10, 244, byte(k.addresses>>8), byte(k.addresses)).String())
		k.workers[pod.UID] = w
		var inner context.Context
		inner, w.cancel = context.WithCancel(ctx)
		go w.run(inner)
	}
	if pod.DeletionTimestamp != nil && !w.stopping {
		w.stopping = true
		go w.stop(ctx)
	}
}

func (k *Kubelet) gone(pod *v1.Pod) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if w := k.workers[pod.UID]; w != nil {
		w.cancel()
		delete(k.workers, pod.UID)
	}
}

// recorder writes events as one component of one node.
func (k *Kubelet) recorder(component, node string) record.EventRecorder {
	k.mu.Lock()
	defer k.mu.Unlock()
	source := v1.EventSource{Component: component, Host: node}
	if k.recorders[source] == nil {
		k.recorders[source] = k.broadcaster.NewRecorder(scheme.Scheme, source)
	}
	return k.recorders[source]
}

// mayEvict allows three evictions of one owner's pods: its controller makes new ones without end.
func (k *Kubelet) mayEvict(pod *v1.Pod) bool {
	owner := pod.UID
	if ref := metav1.GetControllerOf(pod); ref != nil {
		owner = ref.UID
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.evicted[owner]++
	return k.evicted[owner] <= 3
}

func (k *Kubelet) isLost(node string) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.lost[node]
}

// find looks a pod up by name, for logs and usage.
func (k *Kubelet) find(namespace, name string) *worker {
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, w := range k.workers {
		if w.pod.Namespace == namespace && w.pod.Name == name {
			return w
		}
	}
	return nil
}

func pause(ctx context.Context, d time.Duration) bool {
	select {
	case <-ctx.Done():
		return false
	case <-time.After(d):
		return true
	}
}

func (w *worker) fullName() string {
	return fmt.Sprintf("%s_%s(%s)", w.pod.Name, w.pod.Namespace, w.pod.UID)
}

func names(containers []v1.Container) string {
	var list []string
	for _, c := range containers {
		list = append(list, c.Name)
	}
	return strings.Join(list, " ")
}
