package main

import (
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
)

func registered([]string) []string {
	var known []string
	protoregistry.GlobalTypes.RangeMessages(func(m protoreflect.MessageType) bool {
		known = append(known, string(m.Descriptor().FullName()))
		return true
	})
	return known
}
