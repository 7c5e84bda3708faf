package providers

import "github.com/roster-go/roster"

const (
	grpc   = "google.golang.org/grpc/"
	inGRPC = "comes with package grpc"
)

// GRPCCompressors has the compressors of gRPC: the names for grpc.UseCompressor.
func GRPCCompressors() roster.Catalogue { return grpcCompressors.catalogue() }

var grpcCompressors = listing{
	name:     "grpc-compressors",
	title:    "gRPC compressors",
	owner:    grpc + "encoding",
	register: []string{"RegisterCompressor"},
	rows: []row{
		{"gzip", grpc + "encoding/gzip", ""},
		{"lz4", "github.com/mostynb/go-grpc-compression/lz4", ""},
		{"s2", "github.com/mostynb/go-grpc-compression/experimental/s2", "experimental"},
		{"snappy", "github.com/mostynb/go-grpc-compression/snappy", ""},
		{"zstd", "github.com/mostynb/go-grpc-compression/zstd", ""},
	},
}

// GRPCCodecs has the codecs of gRPC: the names for grpc.CallContentSubtype.
func GRPCCodecs() roster.Catalogue { return grpcCodecs.catalogue() }

var grpcCodecs = listing{
	name:     "grpc-codecs",
	title:    "gRPC codecs",
	owner:    grpc + "encoding",
	register: []string{"RegisterCodec", "RegisterCodecV2"},
	rows: []row{
		{"proto", grpc + "encoding/proto", inGRPC},
	},
}

// GRPCResolvers has the name resolvers of gRPC: the schemes of the target for
// grpc.NewClient.
func GRPCResolvers() roster.Catalogue { return grpcResolvers.catalogue() }

var grpcResolvers = listing{
	name:     "grpc-resolvers",
	title:    "gRPC name resolvers",
	owner:    grpc + "resolver",
	register: []string{registerFunc},
	rows: []row{
		{"dns", grpc + "resolver/dns", inGRPC},
		{"google-c2p", grpc + "xds/googledirectpath", "for Google's own services"},
		{"passthrough", grpc + "resolver/passthrough", inGRPC},
		{"xds", grpc + "xds", ""},
	},
}

// GRPCBalancers has the load balancers of gRPC: the names that a service config
// holds.
func GRPCBalancers() roster.Catalogue { return grpcBalancers.catalogue() }

var grpcBalancers = listing{
	name:     "grpc-balancers",
	title:    "gRPC load balancers",
	owner:    grpc + "balancer",
	register: []string{registerFunc},
	rows: []row{
		{"autosharding_experimental", grpc + "balancer/autosharding", "experimental"},
		{"cds_experimental", grpc + "xds", ""},
		{"grpclb", grpc + "balancer/grpclb", "superseded by xDS"},
		{"least_request_experimental", grpc + "balancer/leastrequest", ""},
		{"outlier_detection_experimental", grpc + "xds", ""},
		{"pick_first", grpc + "balancer/pickfirst", inGRPC},
		{"priority_experimental", grpc + "xds", ""},
		{"random_subsetting_experimental", grpc + "balancer/randomsubsetting", "experimental"},
		{"ring_hash_experimental", grpc + "balancer/ringhash", ""},
		{"rls_experimental", grpc + "balancer/rls", ""},
		{"round_robin", grpc + "balancer/roundrobin", inGRPC},
		{"weighted_round_robin", grpc + "balancer/weightedroundrobin", ""},
		{"weighted_target_experimental", grpc + "balancer/weightedtarget", ""},
		{"xds_cluster_impl_experimental", grpc + "xds", ""},
		{"xds_cluster_manager_experimental", grpc + "xds", ""},
		{"xds_wrr_locality_experimental", grpc + "xds", ""},
	},
}
