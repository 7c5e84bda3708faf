package sdk

import (
	"encoding/json"

	"github.com/google/jsonschema-go/jsonschema"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/descriptorpb"

	pluginv1 "github.com/roster-go/roster/plugin/gen/roster/plugin/v1"
)

// schemaOf is the JSON Schema of a type, or nil if it has none.
func schemaOf[T any]() []byte {
	schema, err := jsonschema.For[T](nil)
	if err != nil {
		return nil
	}
	text, err := json.Marshal(schema)
	if err != nil {
		return nil
	}
	return text
}

// declaredService declares a service with its files and its idempotent methods, as
// far as generated code that is linked in knows them.
func declaredService(desc *grpc.ServiceDesc) *pluginv1.Capability {
	c := &pluginv1.Capability{Name: desc.ServiceName, Kind: pluginv1.Kind_KIND_SERVICE, Service: desc.ServiceName}
	found, err := protoregistry.GlobalFiles.FindDescriptorByName(protoreflect.FullName(desc.ServiceName))
	if err != nil {
		return c
	}
	service, ok := found.(protoreflect.ServiceDescriptor)
	if !ok {
		return c
	}
	methods := service.Methods()
	for i := range methods.Len() {
		options, _ := methods.Get(i).Options().(*descriptorpb.MethodOptions)
		if options.GetIdempotencyLevel() != descriptorpb.MethodOptions_IDEMPOTENCY_UNKNOWN {
			c.IdempotentMethods = append(c.IdempotentMethods, string(methods.Get(i).Name()))
		}
	}
	set := &descriptorpb.FileDescriptorSet{}
	addFile(set, map[string]bool{}, service.ParentFile())
	if text, err := proto.Marshal(set); err == nil {
		c.FileDescriptorSet = text
	}
	return c
}

// addFile adds a file behind those that it imports.
func addFile(set *descriptorpb.FileDescriptorSet, seen map[string]bool, file protoreflect.FileDescriptor) {
	if seen[file.Path()] {
		return
	}
	seen[file.Path()] = true
	imports := file.Imports()
	for i := range imports.Len() {
		addFile(set, seen, imports.Get(i).FileDescriptor)
	}
	set.File = append(set.File, protodesc.ToFileDescriptorProto(file))
}
