class Parts(nn.Module):
    """Parts under the names of a state_dict: `self.encoder[0].weight` is `encoder.0.weight`."""

    def __getitem__(self, index):
        return getattr(self, str(index))

    def _owner(self, path):
        *parents, name = path.split(".")
        owner = self
        for parent in parents:
            if parent not in owner._modules:
                owner.add_module(parent, Parts())
            owner = owner._modules[parent]
        return owner, name

    def _parameter(self, path, shape, uniform=None, normal=None, fill=0.0, values=None):
        """A parameter that starts from U(-uniform, uniform), N(0, normal^2), or as told."""
        owner, name = self._owner(path)
        value = torch.full(shape, float(fill)) if values is None else values.reshape(shape).float()
        if uniform is not None:
            value.uniform_(-uniform, uniform)
        if normal is not None:
            value.normal_(0, normal)
        owner.register_parameter(name, nn.Parameter(value))

    def _buffer(self, path, shape, values, persistent=True):
        owner, name = self._owner(path)
        owner.register_buffer(name, values.reshape(shape), persistent=persistent)

    def settle(self):
        """Does what a step leaves behind in buffers, once gradients are taken."""
        with torch.no_grad():
            for buffer, value in self.__dict__.pop("left", ()):
                buffer.copy_(value)


class Noise:
    """What a graph draws. `given` has tensors by their names, which are taken in place of draws."""

    def __init__(self, like, given=None):
        self.like, self.given = like, given

    def _drawn(self, name, shape, draw):
        if self.given is not None:
            return self.given[name].reshape(shape)
        return draw(torch.empty(shape, dtype=self.like.dtype, device=self.like.device))

    def normal(self, name, *shape):
        return self._drawn(name, shape, lambda x: x.normal_())

    def uniform(self, name, *shape):
        return self._drawn(name, shape, lambda x: x.uniform_().clamp_(2**-24, 1 - 2**-24))

    def gumbel(self, name, *shape):
        return self._drawn(name, shape, lambda x: -torch.log(x.exponential_()))

    def logistic(self, name, *shape):
        return self._drawn(name, shape, lambda x: torch.logit(x.uniform_().clamp_(2**-24, 1 - 2**-24)))
