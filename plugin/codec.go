package plugin

import (
	"google.golang.org/grpc/encoding"
	_ "google.golang.org/grpc/encoding/proto" // registers the codec that rawCodec falls back to
	"google.golang.org/grpc/mem"
)

// A frame is one gRPC message as it is on the wire. Receiving into a frame
// takes a reference to the bytes, sending it gives that reference away.
type frame struct{ data mem.BufferSlice }

// rawCodec passes frames through untouched and leaves every other message to
// the codec that speaks protobuf. Its name is that codec's, so that the other
// side sees an ordinary content type.
type rawCodec struct{ fallback encoding.CodecV2 }

var _ encoding.CodecV2 = rawCodec{}

// Codec is the codec a gRPC server needs beside [Host.ForwardHandler]: it lets
// the handler see messages as bytes, and serves all other handlers as usual.
// [Host.ServerOptions] sets it.
func Codec() encoding.CodecV2 {
	return rawCodec{fallback: encoding.GetCodecV2("proto")}
}

func (c rawCodec) Marshal(v any) (mem.BufferSlice, error) {
	if f, ok := v.(*frame); ok {
		data := f.data
		f.data = nil
		return data, nil
	}
	return c.fallback.Marshal(v) //nolint:wrapcheck // gRPC adds the status to what its own codec says
}

func (c rawCodec) Unmarshal(data mem.BufferSlice, v any) error {
	if f, ok := v.(*frame); ok {
		data.Ref()
		f.data = data
		return nil
	}
	return c.fallback.Unmarshal(data, v) //nolint:wrapcheck // as in Marshal
}

func (c rawCodec) Name() string { return c.fallback.Name() }
