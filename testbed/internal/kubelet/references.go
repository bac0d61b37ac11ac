package kubelet

import (
	"context"
	"fmt"

	v1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// mountError looks for the config maps and secrets that the pod's volumes name.
func (w *worker) mountError(ctx context.Context) string {
	for _, volume := range w.pod.Spec.Volumes {
		text := ""
		switch {
		case volume.ConfigMap != nil && !isTrue(volume.ConfigMap.Optional):
			text = w.missing(ctx, "configmap", volume.ConfigMap.Name)
		case volume.Secret != nil && !isTrue(volume.Secret.Optional):
			text = w.missing(ctx, "secret", volume.Secret.SecretName)
		}
		if text != "" {
			return fmt.Sprintf("MountVolume.SetUp failed for volume %q : %s", volume.Name, text)
		}
	}
	return ""
}

// attached says whether the pod's CSI disks are attached to its node, as the attach-detach controller records it.
func (w *worker) attached(ctx context.Context) bool {
	for _, volume := range w.pod.Spec.Volumes {
		if volume.PersistentVolumeClaim == nil {
			continue
		}
		claim, err := w.client.CoreV1().PersistentVolumeClaims(w.pod.Namespace).Get(ctx, volume.PersistentVolumeClaim.ClaimName, metav1.GetOptions{})
		if err != nil {
			return false
		}
		disk, err := w.client.CoreV1().PersistentVolumes().Get(ctx, claim.Spec.VolumeName, metav1.GetOptions{})
		if err != nil {
			return false
		}
		if disk.Spec.CSI != nil && !w.attachment(ctx, disk.Name) {
			return false
		}
	}
	return true
}

func (w *worker) attachment(ctx context.Context, disk string) bool {
	list, err := w.client.StorageV1().VolumeAttachments().List(ctx, metav1.ListOptions{})
	if err != nil {
		return false
	}
	for _, item := range list.Items {
		source := item.Spec.Source.PersistentVolumeName
		if item.Status.Attached && item.Spec.NodeName == w.pod.Spec.NodeName && source != nil && *source == disk {
			return true
		}
	}
	return false
}

// configError is why the container's configuration cannot be put together.
func (w *worker) configError(ctx context.Context, c *v1.Container) string {
	for _, from := range c.EnvFrom {
		text := ""
		switch {
		case from.ConfigMapRef != nil && !isTrue(from.ConfigMapRef.Optional):
			text = w.missing(ctx, "configmap", from.ConfigMapRef.Name)
		case from.SecretRef != nil && !isTrue(from.SecretRef.Optional):
			text = w.missing(ctx, "secret", from.SecretRef.Name)
		}
		if text != "" {
			return text
		}
	}
	for _, env := range c.Env {
		if env.ValueFrom == nil {
			continue
		}
		text := ""
		switch from := env.ValueFrom; {
		case from.ConfigMapKeyRef != nil && !isTrue(from.ConfigMapKeyRef.Optional):
			text = w.missingKey(ctx, "configmap", "ConfigMap", from.ConfigMapKeyRef.Name, from.ConfigMapKeyRef.Key)
		case from.SecretKeyRef != nil && !isTrue(from.SecretKeyRef.Optional):
			text = w.missingKey(ctx, "secret", "Secret", from.SecretKeyRef.Name, from.SecretKeyRef.Key)
		}
		if text != "" {
			return text
		}
	}
	if w.runsAsRoot(c) {
		return fmt.Sprintf("container has runAsNonRoot and image will run as root (pod: %q, container: %s)", w.fullName(), c.Name)
	}
	return ""
}

// runsAsRoot assumes that an image runs as root unless a user id is given.
func (w *worker) runsAsRoot(c *v1.Container) bool {
	nonRoot, user := false, (*int64)(nil)
	if pod := w.pod.Spec.SecurityContext; pod != nil {
		nonRoot, user = isTrue(pod.RunAsNonRoot), pod.RunAsUser
	}
	if own := c.SecurityContext; own != nil {
		if own.RunAsNonRoot != nil {
			nonRoot = *own.RunAsNonRoot
		}
		if own.RunAsUser != nil {
			user = own.RunAsUser
		}
	}
	return nonRoot && (user == nil || *user == 0)
}

func (w *worker) missing(ctx context.Context, kind, name string) string {
	if _, found := w.keys(ctx, kind, name); !found {
		return fmt.Sprintf("%s %q not found", kind, name)
	}
	return ""
}

func (w *worker) missingKey(ctx context.Context, kind, title, name, key string) string {
	keys, found := w.keys(ctx, kind, name)
	if !found {
		return fmt.Sprintf("%s %q not found", kind, name)
	}
	if !keys[key] {
		return fmt.Sprintf("couldn't find key %s in %s %s/%s", key, title, w.pod.Namespace, name)
	}
	return ""
}

// keys reads which keys a config map or a secret holds. Any error counts as "not found": the worker asks again.
func (w *worker) keys(ctx context.Context, kind, name string) (map[string]bool, bool) {
	keys := map[string]bool{}
	if kind == "configmap" {
		object, err := w.client.CoreV1().ConfigMaps(w.pod.Namespace).Get(ctx, name, metav1.GetOptions{})
		if err != nil {
			return nil, false
		}
		for key := range object.Data {
			keys[key] = true
		}
		return keys, true
	}
	object, err := w.client.CoreV1().Secrets(w.pod.Namespace).Get(ctx, name, metav1.GetOptions{})
	if err != nil {
		return nil, false
	}
	for key := range object.Data {
		keys[key] = true
	}
	return keys, true
}

func isTrue(flag *bool) bool { return flag != nil && *flag }
