package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/tools/clientcmd"
)

// inform starts informers as a controller would and prints one JSON line when all are synced, then lives until it is told to end.
func inform(kubeconfig string, trimmed bool) error {
	config, err := clientcmd.BuildConfigFromFlags("", kubeconfig)
	if err != nil {
		return err
	}
	config.ContentType = "application/vnd.kubernetes.protobuf"
	config.AcceptContentTypes = "application/vnd.kubernetes.protobuf,application/json"
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	var options []informers.SharedInformerOption
	if trimmed {
		options = append(options, informers.WithTransform(trim))
	}
	factory := informers.NewSharedInformerFactoryWithOptions(client, 0, options...)
	all := map[string]cache.SharedIndexInformer{
		"nodes":                factory.Core().V1().Nodes().Informer(),
		"pods":                 factory.Core().V1().Pods().Informer(),
		"persistentvolumes":    factory.Core().V1().PersistentVolumes().Informer(),
		"deployments":          factory.Apps().V1().Deployments().Informer(),
		"statefulsets":         factory.Apps().V1().StatefulSets().Informer(),
		"daemonsets":           factory.Apps().V1().DaemonSets().Informer(),
		"replicasets":          factory.Apps().V1().ReplicaSets().Informer(),
		"jobs":                 factory.Batch().V1().Jobs().Informer(),
		"poddisruptionbudgets": factory.Policy().V1().PodDisruptionBudgets().Informer(),
		"leases":               factory.Coordination().V1().Leases().Informer(),
	}
	factory.Start(ctx.Done())
	for kind, synced := range factory.WaitForCacheSync(ctx.Done()) {
		if !synced {
			return fmt.Errorf("%v never synced", kind)
		}
	}
	var counts []string
	for name, informer := range all {
		counts = append(counts, fmt.Sprintf("%q:%d", name, len(informer.GetStore().ListKeys())))
	}
	fmt.Printf("{\"synced\":{%s}}\n", strings.Join(counts, ","))
	<-ctx.Done()
	return nil
}

// trim keeps of nodes and pods what Ringward's projections keep (controller/inventory/), in the objects' own types, and of all others
// everything but managed fields.
func trim(object any) (any, error) {
	switch whole := object.(type) {
	case *corev1.Pod:
		return trimPod(whole), nil
	case *corev1.Node:
		return trimNode(whole), nil
	}
	if access, err := meta.Accessor(object); err == nil {
		access.SetManagedFields(nil)
	}
	return object, nil
}

func trimMeta(whole metav1.ObjectMeta) metav1.ObjectMeta {
	return metav1.ObjectMeta{
		Name: whole.Name, Namespace: whole.Namespace, UID: whole.UID, ResourceVersion: whole.ResourceVersion,
		Generation: whole.Generation, CreationTimestamp: whole.CreationTimestamp, DeletionTimestamp: whole.DeletionTimestamp,
		Labels: whole.Labels, OwnerReferences: whole.OwnerReferences, Finalizers: whole.Finalizers,
		Annotations: kept(whole.Annotations),
	}
}

// The annotations that anything of a node or pod is read from.
func kept(all map[string]string) map[string]string {
	var some map[string]string
	for key, value := range all {
		if strings.HasPrefix(key, "ringward.dev/") || key == "kubernetes.io/config.mirror" || strings.HasPrefix(key, "karpenter.sh/") ||
			strings.HasPrefix(key, "cluster-autoscaler.kubernetes.io/") || strings.HasPrefix(key, "weave.works/kured") {
			if some == nil {
				some = map[string]string{}
			}
			some[key] = value
		}
	}
	return some
}

func trimPod(whole *corev1.Pod) *corev1.Pod {
	pod := &corev1.Pod{ObjectMeta: trimMeta(whole.ObjectMeta)}
	pod.Spec.NodeName = whole.Spec.NodeName
	pod.Spec.Priority = whole.Spec.Priority
	pod.Spec.InitContainers = trimContainers(whole.Spec.InitContainers)
	pod.Spec.Containers = trimContainers(whole.Spec.Containers)
	for _, volume := range whole.Spec.Volumes {
		if volume.EmptyDir != nil || volume.HostPath != nil || volume.PersistentVolumeClaim != nil || volume.Ephemeral != nil {
			pod.Spec.Volumes = append(pod.Spec.Volumes, corev1.Volume{Name: volume.Name, VolumeSource: corev1.VolumeSource{
				EmptyDir: volume.EmptyDir, HostPath: volume.HostPath, PersistentVolumeClaim: volume.PersistentVolumeClaim}})
		}
	}
	pod.Status.Phase = whole.Status.Phase
	for _, condition := range whole.Status.Conditions {
		if condition.Type == corev1.PodReady {
			pod.Status.Conditions = []corev1.PodCondition{{Type: condition.Type, Status: condition.Status, Reason: condition.Reason}}
		}
	}
	pod.Status.InitContainerStatuses = trimStatuses(whole.Status.InitContainerStatuses)
	pod.Status.ContainerStatuses = trimStatuses(whole.Status.ContainerStatuses)
	return pod
}

func trimContainers(whole []corev1.Container) []corev1.Container {
	some := make([]corev1.Container, len(whole))
	for index, container := range whole {
		some[index] = corev1.Container{Name: container.Name, Image: container.Image}
	}
	return some
}

func trimStatuses(whole []corev1.ContainerStatus) []corev1.ContainerStatus {
	some := make([]corev1.ContainerStatus, len(whole))
	for index, status := range whole {
		some[index] = corev1.ContainerStatus{Name: status.Name, Image: status.Image, ImageID: status.ImageID}
	}
	return some
}

func trimNode(whole *corev1.Node) *corev1.Node {
	node := &corev1.Node{ObjectMeta: trimMeta(whole.ObjectMeta)}
	node.Spec.Unschedulable = whole.Spec.Unschedulable
	node.Spec.Taints = whole.Spec.Taints
	node.Status.NodeInfo = whole.Status.NodeInfo
	for _, condition := range whole.Status.Conditions {
		if condition.Type == corev1.NodeReady {
			node.Status.Conditions = []corev1.NodeCondition{{Type: condition.Type, Status: condition.Status, Reason: condition.Reason}}
		}
	}
	return node
}
