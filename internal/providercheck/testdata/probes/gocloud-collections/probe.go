package main

import "gocloud.dev/docstore"

func registered([]string) []string {
	return docstore.DefaultURLMux().CollectionSchemes()
}
