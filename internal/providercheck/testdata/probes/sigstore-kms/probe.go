package main

import "github.com/sigstore/sigstore/pkg/signature/kms"

func registered([]string) []string {
	return kms.SupportedProviders()
}
