package follow

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"

	"go.etcd.io/etcd/api/v3/mvccpb"
	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/roster-go/roster/etcd/internal/pace"
)

// identity reads the text that tells the store from another, "" if there is none or the user
// may not read it.
func (w *watch) readIdentity(ctx context.Context) (string, error) {
	response, err := w.get(ctx, w.Identity)
	switch {
	case errors.Is(err, rpctypes.ErrPermissionDenied):
		return "", nil
	case err != nil:
		return "", fmt.Errorf("read %s: %w", w.Identity, err)
	}
	return identityOf(response.Kvs), nil
}

func identityOf(kvs []*mvccpb.KeyValue) string {
	for _, kv := range kvs {
		return string(kv.GetValue())
	}
	return ""
}

// Identify gives the store a random text under key unless it has one. What cannot be written,
// because the user may not, is no reason to fail: readers then know the store by its cluster
// id alone.
func Identify(ctx context.Context, client *clientv3.Client, key string, log *slog.Logger) {
	ctx, cancel := context.WithTimeout(ctx, pace.RequestTimeout)
	defer cancel()
	_, err := client.Txn(ctx).
		If(clientv3.Compare(clientv3.CreateRevision(key), "=", 0)).
		Then(clientv3.OpPut(key, rand.Text())).Commit()
	if err != nil {
		log.Debug("the store gets no identity", slog.String("key", key), slog.Any("error", err))
	}
}
