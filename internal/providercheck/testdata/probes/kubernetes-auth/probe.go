package main

import (
	"strings"

	"k8s.io/client-go/rest"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
)

// isKnown tells whether a plugin answers, be it with an error of its own.
func isKnown(name string) bool {
	_, err := rest.GetAuthProvider("", &clientcmdapi.AuthProviderConfig{Name: name}, nil)
	return err == nil || !strings.Contains(err.Error(), "no Auth Provider found")
}

func registered(candidates []string) []string {
	var known []string
	for _, name := range candidates {
		if isKnown(name) {
			known = append(known, name)
		}
	}
	return known
}
