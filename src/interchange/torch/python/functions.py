# Functions that graphs call, of which a file holds those that it needs. Log-densities are in nats, an
# element each.


def standard_normal_log_prob(x):
    return -0.5 * x.square() - 0.5 * math.log(2 * math.pi)


def normal_log_prob(x, mean, log_std):
    return standard_normal_log_prob((x - mean) * torch.exp(-log_std)) - log_std


def bernoulli_log_prob(logits, x):
    return x * logits - F.softplus(logits)


def logistic_log_prob(x, mean, log_scale):
    z = (x - mean) * torch.exp(-log_scale)
    return -z - 2 * F.softplus(-z) - log_scale


def discretized_logistic_log_prob(x, mean, log_scale, levels):
    """The bin of width 1 / (levels - 1) around x in [0, 1]; the outermost are open."""
    half = 0.5 / (levels - 1)
    inverse = torch.exp(-log_scale)
    upper = (x.detach() + half - mean) * inverse
    lower = (x.detach() - half - mean) * inverse
    width = 2 * half * inverse
    # sigmoid(u) - sigmoid(l) = sigmoid(u) sigmoid(-l) (1 - exp(l - u)), which cancels nothing.
    inner = F.logsigmoid(upper) + F.logsigmoid(-lower) + torch.log(-torch.expm1(-width))
    first = x < half
    last = x > 1 - half
    return torch.where(first, F.logsigmoid(upper), torch.where(last, F.logsigmoid(-lower), inner))


def student_t_log_prob(x, mean, log_std, df):
    z = (x - mean) * torch.exp(-log_std)
    norm = torch.lgamma((df + 1) / 2) - torch.lgamma(df / 2) - 0.5 * torch.log(math.pi * df)
    return norm - log_std - (df + 1) / 2 * torch.log1p(z.square() / df)


def kl_standard_normal(mean, log_std):
    """KL(N(mean, exp(log_std)^2) | N(0, 1))."""
    return 0.5 * (mean.square() + torch.expm1(2 * log_std)) - log_std


def kl_normal(mean_q, log_std_q, mean_p, log_std_p):
    ratio = log_std_q - log_std_p
    apart = (mean_q - mean_p) * torch.exp(-log_std_p)
    return 0.5 * (apart.square() + torch.expm1(2 * ratio)) - ratio


def scale_gradient(x, scale):
    """From here on, gradients that reach x are multiplied by `scale`."""
    if x.requires_grad:
        x.register_hook(lambda gradient, scale=scale.detach(): gradient * scale)


def inverse_of_triangle(a, upper, unit):
    eye = torch.eye(a.shape[-1], dtype=a.dtype, device=a.device).expand_as(a)
    return torch.linalg.solve_triangular(a, eye, upper=upper, unitriangular=unit)


def lu_matrix(factors, sign, rows):
    """P L (U + diag(s)): L and U beside each other in one matrix, log |s| on the diagonal."""
    eye = torch.eye(factors.shape[0], dtype=factors.dtype, device=factors.device)
    scales = torch.diag(sign * torch.exp(torch.diagonal(factors)))
    return ((torch.tril(factors, -1) + eye) @ (torch.triu(factors, 1) + scales))[rows]


def lu_inverse(factors, sign, rows):
    return torch.linalg.inv(lu_matrix(factors, sign, rows))


def patches(x, kernel, stride, dilation, before, out, width):
    """Windows of images [B, H, W, C]: [B, *out, width], taps one after the other, zeros at the end."""
    reach = [(out[i] - 1) * stride + (kernel[i] - 1) * dilation + 1 for i in (0, 1)]
    below, right = (reach[i] - x.shape[i + 1] - before[i] for i in (0, 1))
    x = F.pad(x, (0, 0, before[1], right, before[0], below))
    taps = [
        x[:, u : u + (out[0] - 1) * stride + 1 : stride, v : v + (out[1] - 1) * stride + 1 : stride]
        for u in range(0, kernel[0] * dilation, dilation)
        for v in range(0, kernel[1] * dilation, dilation)
    ]
    taps = torch.cat(taps, 3)
    return F.pad(taps, (0, width - taps.shape[3]))


def convolution(x, weight, stride, dilation, pad):
    """Of images [B, H, W, C] with weights [O, C, h, w]; `pad`: left, right, above, below."""
    x = F.pad(x.permute(0, 3, 1, 2), pad)
    return F.conv2d(x, weight, stride=stride, dilation=dilation).permute(0, 2, 3, 1)


def transposed_convolution(y, weight, stride, dilation, pad):
    """The adjoint of `convolution`: what it pads is cut off."""
    y = F.conv_transpose2d(y.permute(0, 3, 1, 2), weight, stride=stride, dilation=dilation)
    return F.pad(y, [-n for n in pad]).permute(0, 2, 3, 1)


def gru(x, start, *weights):
    """The state [B, H] that gated recurrent units start from, and those that follow each step of x [B, T, I]."""
    after, _ = torch.gru(x, start.unsqueeze(0), weights, True, 1, 0.0, True, False, True)
    return torch.cat([start.unsqueeze(1), after], 1)


def lstm(x, start, *weights):
    """What long short-term memory shows, h of (h, c): of the state [B, 2 H] it starts from, and after each step."""
    h, c = start.chunk(2, 1)
    given = (h.unsqueeze(0), c.unsqueeze(0))
    after, _, _ = torch.lstm(x, given, weights, True, 1, 0.0, True, False, True)
    return torch.cat([h.unsqueeze(1), after], 1)


def spline(x, parameters, bins, bound, inverse, least, unit_slope):
    """Rational-quadratic splines (Durkan et al. 2019): values and log-slopes, [2, *x.shape]."""
    own = parameters.reshape(*x.shape[:-1], 3 * bins - 1, x.shape[-1]).transpose(-1, -2)
    shares = [own[..., i * bins : (i + 1) * bins].softmax(-1) for i in (0, 1)]
    widths, heights = (2 * bound * ((1 - least * bins) * share + least) for share in shares)
    lefts, floors = (
        F.pad(extents.cumsum(-1)[..., :-1], (1, 0)) - bound for extents in (widths, heights)
    )
    slopes = F.pad(F.softplus(own[..., 2 * bins :] + unit_slope) + least, (1, 1), value=1.0)
    is_inside = x.abs() < bound
    at = torch.where(is_inside, x, torch.full_like(x, -bound))
    reached = at.unsqueeze(-1) >= (floors if inverse else lefts)
    chosen = (reached.sum(-1, keepdim=True) - 1).clamp(min=0)
    w, h, a, b, d = (
        of.gather(-1, chosen).squeeze(-1) for of in (widths, heights, lefts, floors, slopes)
    )
    e = slopes.gather(-1, chosen + 1).squeeze(-1)
    s = h / w
    bow = d + e - 2 * s
    if inverse:
        y = at - b
        p, q, r = h * (s - d) + y * bow, h * d - y * bow, -s * y
        xi = -2 * r / (q + torch.sqrt(q.square() - 4 * p * r))
    else:
        xi = (at - a) / w
    both = xi * (1 - xi)
    under = s + bow * both
    top = e * xi.square() + 2 * s * both + d * (1 - xi).square()
    log_slope = 2 * torch.log(s) + torch.log(top) - 2 * torch.log(under)
    value = a + xi * w if inverse else b + h * (s * xi.square() + d * both) / under
    zero = torch.zeros_like(x)
    log_slope = torch.where(is_inside, -log_slope if inverse else log_slope, zero)
    return torch.stack([torch.where(is_inside, value, x), log_slope])
