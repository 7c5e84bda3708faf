// Package outcome makes requests of etcd whose outcome matters when they fail: it tells what
// was refused, what was never sent, and what nobody knows.
//
// # Concurrency properties
//
// [Do] is safe for concurrent use, and makes no goroutine.
package outcome

import (
	"context"
	"errors"

	"go.etcd.io/etcd/api/v3/etcdserverpb"
	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	clientv3 "go.etcd.io/etcd/client/v3"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/peer"
	"google.golang.org/grpc/status"
)

// A Result is how a request ended.
type Result struct {
	Err      error
	Refused  bool // the store answered and did nothing: it never will, as the request stands
	NoLeader bool // the member answered that it has no leader, and did nothing
	Sent     bool // a member may have got it
}

// Do makes one attempt at a read or a transaction.
func Do(ctx context.Context, client *clientv3.Client, op clientv3.Op) (clientv3.OpResponse, Result) {
	conn := client.ActiveConnection()
	if conn == nil { // an in-process client has none, and its requests always arrive
		response, err := client.Do(ctx, op)
		return response, judge(err, true)
	}
	kv := noting{KVClient: etcdserverpb.NewKVClient(conn)}
	response, err := clientv3.NewKVFromKVClient(&kv, client).Do(ctx, op)
	return response, judge(err, kv.sent)
}

// A noting client notes whether a member was reached. It makes one request.
type noting struct {
	etcdserverpb.KVClient

	sent bool
}

// The peer is known once there was a stream to it; without one nothing was sent. The client's
// own retries, below these calls, are of what was not sent either.

func (n *noting) Range(ctx context.Context, in *etcdserverpb.RangeRequest, opts ...grpc.CallOption) (*etcdserverpb.RangeResponse, error) {
	var reached peer.Peer
	response, err := n.KVClient.Range(ctx, in, append(opts, grpc.Peer(&reached))...)
	n.sent = reached.Addr != nil
	return response, err //nolint:wrapcheck // it stands for the client
}

func (n *noting) Txn(ctx context.Context, in *etcdserverpb.TxnRequest, opts ...grpc.CallOption) (*etcdserverpb.TxnResponse, error) {
	var reached peer.Peer
	response, err := n.KVClient.Txn(ctx, in, append(opts, grpc.Peer(&reached))...)
	n.sent = reached.Addr != nil
	return response, err //nolint:wrapcheck // it stands for the client
}

// judge tells what an error means.
func judge(err error, sent bool) Result {
	if err == nil {
		return Result{Sent: true}
	}
	known := rpctypes.Error(err)
	result := Result{Err: known, Sent: sent, NoLeader: errors.Is(known, rpctypes.ErrNoLeader)}
	if !sent {
		return result
	}
	code := status.Code(err)
	if etcd, ok := errors.AsType[rpctypes.EtcdError](known); ok {
		code = etcd.Code()
	}
	switch code {
	case codes.InvalidArgument, codes.NotFound, codes.AlreadyExists, codes.PermissionDenied, codes.ResourceExhausted,
		codes.FailedPrecondition, codes.OutOfRange, codes.Unimplemented, codes.Unauthenticated:
		result.Refused = true
	case codes.OK, codes.Canceled, codes.Unknown, codes.DeadlineExceeded, codes.Aborted, codes.Internal, codes.Unavailable, codes.DataLoss:
	}
	return result
}
