package strong

import (
	"context"
	"errors"
	"fmt"

	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/roster-go/roster/etcd/internal/outcome"
	"github.com/roster-go/roster/replica/strong"
)

// read makes a read that only a quorum can answer. It asks each member at most once.
func (e *Engine) read(ctx context.Context, key string, opts ...clientv3.OpOption) (*clientv3.GetResponse, error) {
	ctx, cancel := context.WithTimeoutCause(clientv3.WithRequireLeader(ctx), e.opts.Timeout, e.timeout())
	defer cancel()
	for attempt := 1; ; attempt++ {
		response, result := outcome.Do(ctx, e.client, clientv3.OpGet(key, opts...))
		switch {
		case result.Err == nil:
			return response.Get(), nil
		case result.Refused:
			return nil, fmt.Errorf("strong: read %q: %w", key, result.Err)
		case attempt >= len(e.client.Endpoints()) || ctx.Err() != nil:
			return nil, e.noQuorum(ctx, result.Err)
		}
	}
}

// commit makes a transaction. One that a member did not take goes to the next.
func (e *Engine) commit(ctx context.Context, op clientv3.Op) (*clientv3.TxnResponse, error) {
	if ctx.Err() != nil {
		return nil, fmt.Errorf("strong: write: %w", context.Cause(ctx))
	}
	ctx, cancel := context.WithTimeoutCause(clientv3.WithRequireLeader(ctx), e.opts.Timeout, e.timeout())
	defer cancel()
	for attempt := 1; ; attempt++ {
		response, result := outcome.Do(ctx, e.client, op)
		switch {
		case result.Err == nil:
			return response.Txn(), nil
		case result.Refused:
			return nil, fmt.Errorf("strong: write: %w", result.Err)
		case result.Sent && !result.NoLeader:
			return nil, &strong.InDoubtError{Err: because(ctx, result.Err)}
		case attempt >= len(e.client.Endpoints()) || ctx.Err() != nil:
			return nil, e.noQuorum(ctx, result.Err)
		}
	}
}

func (e *Engine) noQuorum(ctx context.Context, err error) error {
	return &strong.NoQuorumError{Asked: e.client.Endpoints(), Err: because(ctx, err)}
}

// because adds why a context ended to what failed because of it.
func because(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return errors.Join(context.Cause(ctx), err)
	}
	return err
}

func (e *Engine) timeout() error {
	return fmt.Errorf("no answer within %v: %w", e.opts.Timeout, context.DeadlineExceeded)
}
