package main

import "gocloud.dev/pubsub"

func registered([]string) []string {
	return pubsub.DefaultURLMux().TopicSchemes()
}
