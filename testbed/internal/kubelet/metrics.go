package kubelet

import (
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/labels"
)

const metricsGroup = "/apis/metrics.k8s.io/v1beta1"

type usage struct {
	CPU    string `json:"cpu"`
	Memory string `json:"memory"`
}

// serveMetrics is a small metrics.k8s.io API: usage of running pods, from their plays, and of nodes.
func (k *Kubelet) serveMetrics(mux *http.ServeMux) {
	mux.HandleFunc("GET "+metricsGroup, func(rw http.ResponseWriter, _ *http.Request) {
		resource := func(name, kind string, namespaced bool) map[string]any {
			return map[string]any{"name": name, "singularName": "", "namespaced": namespaced, "kind": kind, "verbs": []string{"get", "list"}}
		}
		reply(rw, map[string]any{"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": "metrics.k8s.io/v1beta1", "resources": []any{
			resource("nodes", "NodeMetrics", false), resource("pods", "PodMetrics", true),
		}})
	})
	mux.HandleFunc("GET "+metricsGroup+"/pods", func(rw http.ResponseWriter, r *http.Request) { k.podMetrics(rw, r) })
	mux.HandleFunc("GET "+metricsGroup+"/namespaces/{namespace}/pods", func(rw http.ResponseWriter, r *http.Request) { k.podMetrics(rw, r) })
	mux.HandleFunc("GET "+metricsGroup+"/nodes", k.nodeMetrics)
	mux.HandleFunc("GET /metrics", k.volumeStats)
}

func (k *Kubelet) podMetrics(rw http.ResponseWriter, r *http.Request) {
	namespace := r.PathValue("namespace")
	selector, err := labels.Parse(r.URL.Query().Get("labelSelector"))
	if err != nil {
		http.Error(rw, err.Error(), http.StatusBadRequest)
		return
	}
	items := []any{}
	for _, w := range k.running() {
		if (namespace == "" || w.pod.Namespace == namespace) && selector.Matches(labels.Set(w.pod.Labels)) {
			if item := w.metrics(); item != nil {
				items = append(items, item)
			}
		}
	}
	reply(rw, map[string]any{"kind": "PodMetricsList", "apiVersion": "metrics.k8s.io/v1beta1", "metadata": map[string]any{}, "items": items})
}

func (w *worker) metrics() map[string]any {
	containers := []any{}
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, s := range w.status.ContainerStatuses {
		act := w.play.Containers[s.Name]
		if act.NoMetrics {
			return nil
		}
		if s.State.Running != nil {
			containers = append(containers, map[string]any{"name": s.Name, "usage": usage{or(act.CPU, "5m"), or(act.Memory, "12Mi")}})
		}
	}
	if len(containers) == 0 {
		return nil
	}
	return map[string]any{
		"metadata":  map[string]any{"name": w.pod.Name, "namespace": w.pod.Namespace, "labels": w.pod.Labels, "creationTimestamp": time.Now().UTC().Format(time.RFC3339)},
		"timestamp": time.Now().UTC().Format(time.RFC3339), "window": "15s", "containers": containers,
	}
}

func (k *Kubelet) nodeMetrics(rw http.ResponseWriter, _ *http.Request) {
	seen, items := map[string]bool{}, []any{}
	for _, w := range k.running() {
		if node := w.pod.Spec.NodeName; !seen[node] {
			seen[node] = true
			items = append(items, map[string]any{
				"metadata":  map[string]any{"name": node, "creationTimestamp": time.Now().UTC().Format(time.RFC3339)},
				"timestamp": time.Now().UTC().Format(time.RFC3339), "window": "15s", "usage": usage{"350m", "1200Mi"},
			})
		}
	}
	reply(rw, map[string]any{"kind": "NodeMetricsList", "apiVersion": "metrics.k8s.io/v1beta1", "metadata": map[string]any{}, "items": items})
}

func (k *Kubelet) running() []*worker {
	k.mu.Lock()
	defer k.mu.Unlock()
	list := make([]*worker, 0, len(k.workers))
	for _, w := range k.workers {
		list = append(list, w)
	}
	return list
}

func reply(rw http.ResponseWriter, body any) {
	rw.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(rw).Encode(body)
}

func or(text, otherwise string) string {
	if text == "" {
		return otherwise
	}
	return text
}

// volumeStats is the part of a kubelet's own metrics that the standard storage alerts ask for.
func (k *Kubelet) volumeStats(rw http.ResponseWriter, _ *http.Request) {
	rw.Header().Set("Content-Type", "text/plain; version=0.0.4")
	for _, w := range k.running() {
		for _, volume := range w.pod.Spec.Volumes {
			if volume.PersistentVolumeClaim == nil || !w.isRunning() {
				continue
			}
			const capacity = 10 << 30
			used, stated := w.play.VolumePercent[volume.Name]
			if !stated {
				used = 40
			}
			labels := fmt.Sprintf("{namespace=%q,persistentvolumeclaim=%q,node=%q}", w.pod.Namespace, volume.PersistentVolumeClaim.ClaimName, w.pod.Spec.NodeName)
			fmt.Fprintf(rw, "kubelet_volume_stats_capacity_bytes%s %d\n", labels, capacity)
			fmt.Fprintf(rw, "kubelet_volume_stats_used_bytes%s %d\n", labels, capacity/100*used)
			fmt.Fprintf(rw, "kubelet_volume_stats_available_bytes%s %d\n", labels, capacity/100*(100-used))
		}
	}
}

func (w *worker) isRunning() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.status.Phase == v1.PodRunning
}
