package main

import "gocloud.dev/blob"

func registered([]string) []string {
	return blob.DefaultURLMux().BucketSchemes()
}
