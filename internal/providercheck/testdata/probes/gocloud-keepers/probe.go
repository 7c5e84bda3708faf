package main

import "gocloud.dev/secrets"

func registered([]string) []string {
	return secrets.DefaultURLMux().KeeperSchemes()
}
