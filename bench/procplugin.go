package main

import (
	"context"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/go-plugin"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/types/known/wrapperspb"
)

// hashicorp/go-plugin over gRPC, as its grpc example has it: a Unix socket, no
// TLS, and its logger switched off on both sides. The service is what protoc
// would generate for
//
//	service Echo { rpc Echo(google.protobuf.BytesValue) returns (google.protobuf.BytesValue); }
//
// written by hand, so that nobody needs protoc.

func init() { children["plugin"] = servePlugin }

var pluginHandshake = plugin.HandshakeConfig{
	ProtocolVersion:  1,
	MagicCookieKey:   "HEM_BENCH_PLUGIN",
	MagicCookieValue: "echo",
}

// servePlugin is the plugin's main.
func servePlugin() {
	holdOn()
	plugin.Serve(&plugin.ServeConfig{
		HandshakeConfig: pluginHandshake,
		Plugins:         plugin.PluginSet{"echo": echoPlugin{}},
		Logger:          hclog.NewNullLogger(),
		GRPCServer:      plugin.DefaultGRPCServer,
	})
}

// startPlugin starts one plugin. It serves calls side by side.
func startPlugin(int) echoer {
	cmd := childCommand(context.Background(), "plugin")
	line := tie(cmd)
	client := plugin.NewClient(&plugin.ClientConfig{
		HandshakeConfig:  pluginHandshake,
		Plugins:          plugin.PluginSet{"echo": echoPlugin{}},
		Cmd:              cmd,
		AllowedProtocols: []plugin.Protocol{plugin.ProtocolGRPC},
		Logger:           hclog.NewNullLogger(),
	})
	protocol, err := client.Client()
	line.started()
	must(err)
	raw, err := protocol.Dispense("echo")
	must(err)
	echo := raw.(echoClient)
	return echoer{
		echo: echo.echo,
		pid:  func() int { return client.ReattachConfig().Pid },
		stop: func() {
			client.Kill()
			line.cut()
		},
	}
}

// echoPlugin is what plugin and host agree on.
type echoPlugin struct{ plugin.NetRPCUnsupportedPlugin }

var _ plugin.GRPCPlugin = echoPlugin{}

func (echoPlugin) GRPCServer(_ *plugin.GRPCBroker, s *grpc.Server) error {
	s.RegisterService(&echoService, echoImplementation{})
	return nil
}

func (echoPlugin) GRPCClient(_ context.Context, _ *plugin.GRPCBroker, conn *grpc.ClientConn) (any, error) {
	return echoClient{conn}, nil
}

type echoServer interface {
	Echo(context.Context, *wrapperspb.BytesValue) (*wrapperspb.BytesValue, error)
}

type echoImplementation struct{}

func (echoImplementation) Echo(_ context.Context, in *wrapperspb.BytesValue) (*wrapperspb.BytesValue, error) {
	return wrapperspb.Bytes(in.Value), nil
}

var echoService = grpc.ServiceDesc{
	ServiceName: "bench.Echo",
	HandlerType: (*echoServer)(nil),
	Methods: []grpc.MethodDesc{{MethodName: "Echo", Handler: func(srv any, ctx context.Context, decode func(any) error, _ grpc.UnaryServerInterceptor) (any, error) {
		in := new(wrapperspb.BytesValue)
		if err := decode(in); err != nil {
			return nil, err
		}
		return srv.(echoServer).Echo(ctx, in)
	}}},
}

type echoClient struct{ conn *grpc.ClientConn }

func (c echoClient) echo(ctx context.Context, in []byte) ([]byte, error) {
	out := new(wrapperspb.BytesValue)
	err := c.conn.Invoke(ctx, "/bench.Echo/Echo", wrapperspb.Bytes(in), out)
	return out.Value, err
}
