// Command real is the Go side of `npm run bench:real`: `load` puts objects into an etcd as an API server would have stored them, and
// `inform` is the yardstick: client-go informers over the kinds that Ringward reads, with whole objects or with trimmed ones.
package main

import (
	"fmt"
	"os"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(args []string) error {
	switch {
	case len(args) == 2 && args[0] == "load":
		return load(args[1], os.Stdin)
	case len(args) == 3 && args[0] == "inform" && (args[2] == "whole" || args[2] == "trimmed"):
		return inform(args[1], args[2] == "trimmed")
	}
	return fmt.Errorf("usage: real load ETCD-URL < OBJECTS | real inform KUBECONFIG whole|trimmed")
}
