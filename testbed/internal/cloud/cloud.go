// Package cloud stands in for the disk services of three clouds behind the real external-provisioner library, and for
// their attachers. What a class answers is looked up by its name; a class that is not listed sells any size.
package cloud

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	v1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"sigs.k8s.io/sig-storage-lib-external-provisioner/v13/controller"
)

// Drivers are the CSI drivers that this cloud plays; a storage class that names any other has no provisioner.
var Drivers = []string{"com.tencent.cloud.csi.cbs", "diskplugin.csi.alibabacloud.com", "ebs.csi.aws.com"}

type disks struct{}

// Provision answers a claim as the cloud's CSI driver would.
func (disks) Provision(_ context.Context, o controller.ProvisionOptions) (*v1.PersistentVolume, controller.ProvisioningState, error) {
	size := o.PVC.Spec.Resources.Requests[v1.ResourceStorage]
	if slices.Contains(o.PVC.Spec.AccessModes, v1.ReadWriteMany) {
		return nil, controller.ProvisioningFinished, errors.New("rpc error: code = InvalidArgument desc = Volume capabilities MULTI_NODE_MULTI_WRITER not supported. Only AccessModes[ReadWriteOnce] supported.")
	}
	if text := refusal(o.StorageClass.Name, size); text != "" {
		return nil, controller.ProvisioningFinished, errors.New(text)
	}
	return &v1.PersistentVolume{
		ObjectMeta: metav1.ObjectMeta{Name: o.PVName},
		Spec: v1.PersistentVolumeSpec{
			PersistentVolumeReclaimPolicy: *o.StorageClass.ReclaimPolicy,
			AccessModes:                   o.PVC.Spec.AccessModes,
			Capacity:                      v1.ResourceList{v1.ResourceStorage: size},
			PersistentVolumeSource: v1.PersistentVolumeSource{CSI: &v1.CSIPersistentVolumeSource{
				Driver: o.StorageClass.Provisioner, VolumeHandle: "disk-" + o.PVName,
			}},
		},
	}, controller.ProvisioningFinished, nil
}

// Delete always succeeds: there is no disk.
func (disks) Delete(context.Context, *v1.PersistentVolume) error { return nil }

// refusal is the driver's error for a claim of this size on this class, empty when the disk is sold.
func refusal(class string, size resource.Quantity) string {
	switch class {
	case "cbs":
		least, most := resource.MustParse("10Gi"), resource.MustParse("32000Gi")
		if size.Cmp(least) < 0 || size.Cmp(most) > 0 {
			return fmt.Sprintf("rpc error: code = InvalidArgument desc = disk size is invalid: requested %s, must be in [10Gi, 32000Gi] with step 10Gi", size.String())
		}
		return ""
	case "cbs-cred":
		return "rpc error: code = Internal desc = [TencentCloudSDKError] Code=AuthFailure.SecretIdNotFound, Message=The SecretId is not found, please ensure that your SecretId is correct., RequestId=3c140219-cfe9-470e-b241-907877d6fb03"
	case "alicloud-disk-zone":
		return "rpc error: code = Internal desc = SDK.ServerError\nErrorCode: OperationDenied.NoStock\nRecommend: \nRequestId: 0F9B6D2C-7C1E-5A0B-9B6F-3D1C2B7A9E11\nMessage: The requested resource is sold out in the specified zone; try other types of resources or other regions and zones."
	case "ebs-quota":
		return "rpc error: code = Internal desc = Could not create volume \"pvc\": could not create volume in EC2: operation error EC2: CreateVolume, https response error StatusCode: 400, RequestID: 5d1c3f0e-2f6b-4f7a-8a43-0a2a8c1be2aa, api error VolumeLimitExceeded: You have exceeded your maximum gp3 storage limit of 50 TiB in this region. Please contact AWS Support to request an Elastic Block Store service limit increase."
	case "cbs-slow":
		return "rpc error: code = DeadlineExceeded desc = context deadline exceeded"
	case "ebs-topology":
		return "error generating accessibility requirements: no topology key found for node node-1: no available topology found"
	}
	return ""
}

// Run plays the provisioners and the attachers until ctx ends.
func Run(ctx context.Context, client kubernetes.Interface) {
	for _, driver := range Drivers {
		pc := controller.NewProvisionController(ctx, client, driver, disks{}, controller.LeaderElection(false), controller.FailedProvisionThreshold(0))
		go pc.Run(ctx)
	}
	attach(ctx, client)
}

// Install registers the drivers, so that volumes are attached (and refuse a second node) as real ones are.
func Install(ctx context.Context, client kubernetes.Interface) error {
	attached := true
	for _, driver := range Drivers {
		object := &storagev1.CSIDriver{ObjectMeta: metav1.ObjectMeta{Name: driver}, Spec: storagev1.CSIDriverSpec{AttachRequired: &attached}}
		if _, err := client.StorageV1().CSIDrivers().Create(ctx, object, metav1.CreateOptions{}); err != nil {
			return err
		}
	}
	return nil
}

// attach marks every volume attachment as done. Polling is enough: a pod that waits for a disk waits seconds anyway.
func attach(ctx context.Context, client kubernetes.Interface) {
	attachments := client.StorageV1().VolumeAttachments()
	for ctx.Err() == nil {
		list, err := attachments.List(ctx, metav1.ListOptions{})
		if err == nil {
			for _, item := range list.Items {
				if !item.Status.Attached && item.DeletionTimestamp == nil {
					item.Status.Attached = true
					// A conflict is settled by the next round.
					_, _ = attachments.UpdateStatus(ctx, &item, metav1.UpdateOptions{})
				}
			}
		}
		select {
		case <-ctx.Done():
		case <-time.After(time.Second):
		}
	}
}
