package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"sync"
	"sync/atomic"

	clientv3 "go.etcd.io/etcd/client/v3"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	kjson "k8s.io/apimachinery/pkg/runtime/serializer/json"
	"k8s.io/apimachinery/pkg/runtime/serializer/protobuf"
	"k8s.io/client-go/kubernetes/scheme"
)

// Where the API server keeps its own kinds (pkg/registry of Kubernetes).
var folders = map[string]string{
	"v1 Namespace":                         "namespaces",
	"v1 Node":                              "minions",
	"v1 Pod":                               "pods",
	"apps/v1 Deployment":                   "deployments",
	"apps/v1 ReplicaSet":                   "replicasets",
	"policy/v1 PodDisruptionBudget":        "poddisruptionbudgets",
	"coordination.k8s.io/v1 Lease":         "leases",
	"ringward.dev/v1alpha1 NodePatchState": "ringward.dev/nodepatchstates",
}

const workers = 8

// Refusing unknown fields doubles the work of decoding: one object of so many is enough to find a field that does not exist.
const strictEvery = 20

var seen atomic.Int64

// load reads one JSON object a line and stores each under its key, one revision an object: Kubernetes' own kinds as protobuf, and custom ones as JSON, both as the API server stores them.
func load(endpoint string, input io.Reader) error {
	client, err := clientv3.New(clientv3.Config{Endpoints: []string{endpoint}})
	if err != nil {
		return err
	}
	defer client.Close()
	lines := make(chan []byte, 1000)
	failed := make(chan error, workers)
	var count, bytesJSON, bytesStored atomic.Int64
	var group sync.WaitGroup
	for range workers {
		group.Add(1)
		go func() {
			defer group.Done()
			for line := range lines {
				key, value, err := encode(line)
				if err == nil {
					_, err = client.Put(context.Background(), key, string(value))
				}
				if err != nil {
					failed <- fmt.Errorf("%.300s: %w", line, err)
					return
				}
				count.Add(1)
				bytesJSON.Add(int64(len(line)))
				bytesStored.Add(int64(len(value)))
			}
		}()
	}
	err = feed(input, lines, failed)
	close(lines)
	group.Wait()
	select {
	case other := <-failed:
		err = other
	default:
	}
	fmt.Printf("{\"objects\":%d,\"bytesJson\":%d,\"bytesStored\":%d}\n", count.Load(), bytesJSON.Load(), bytesStored.Load())
	return err
}

func feed(input io.Reader, lines chan<- []byte, failed <-chan error) error {
	reader := bufio.NewReaderSize(input, 1<<20)
	for {
		line, err := reader.ReadBytes('\n')
		if len(bytes.TrimSpace(line)) > 0 {
			select {
			case lines <- line:
			case err := <-failed:
				return err
			}
		}
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

var (
	strict = kjson.NewSerializerWithOptions(kjson.DefaultMetaFactory, scheme.Scheme, scheme.Scheme, kjson.SerializerOptions{Strict: true})
	reader = kjson.NewSerializerWithOptions(kjson.DefaultMetaFactory, scheme.Scheme, scheme.Scheme, kjson.SerializerOptions{})
	writer = protobuf.NewSerializer(scheme.Scheme, scheme.Scheme)
)

func encode(line []byte) (string, []byte, error) {
	var head struct {
		metav1.TypeMeta `json:",inline"`
		Metadata        struct{ Name, Namespace string } `json:"metadata"`
	}
	if err := json.Unmarshal(line, &head); err != nil {
		return "", nil, err
	}
	folder, known := folders[head.APIVersion+" "+head.Kind]
	if !known {
		return "", nil, fmt.Errorf("nobody said where %s %s is stored", head.APIVersion, head.Kind)
	}
	key := "/registry/" + strings.TrimSuffix(folder+"/"+head.Metadata.Namespace, "/") + "/" + head.Metadata.Name
	if strings.HasPrefix(head.APIVersion, "ringward.dev/") {
		return key, bytes.TrimSpace(line), nil
	}
	decoder := reader
	if seen.Add(1)%strictEvery == 0 {
		decoder = strict
	}
	object, kind, err := decoder.Decode(line, nil, nil)
	if err != nil {
		return "", nil, err
	}
	access, err := meta.Accessor(object)
	if err != nil {
		return "", nil, err
	}
	access.SetResourceVersion("")
	object.GetObjectKind().SetGroupVersionKind(*kind)
	var stored bytes.Buffer
	err = writer.Encode(object, &stored)
	return key, stored.Bytes(), err
}
